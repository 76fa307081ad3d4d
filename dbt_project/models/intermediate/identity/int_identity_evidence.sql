{{ config(schema='pii', unlogged=true) }}

{% set kinds = ['email', 'phone', 'loyalty_number'] %}

with
affected as (
    select * from {{ ref('int_identity_affected') }}
),

pairs as (
    select * from {{ ref('int_identity_pairs') }}
),

evidence as (
    {% for kind in kinds %}
        select
            own_key,
            '{{ kind }}' as level,
            {{ kind }} as identifier
        from affected
        where is_{{ kind }}_used
        union all
    {% endfor %}
    select
        pairs.own_key,
        pairs.level,
        least(pairs.own_key, pairs.other_key) || greatest(pairs.own_key, pairs.other_key) as identifier
    from pairs
    inner join affected on pairs.own_key = affected.own_key
    inner join affected as others on pairs.other_key = others.own_key
    where pairs.level in ('override', 'link')
),

shared as (
    select
        level,
        identifier
    from evidence
    group by level, identifier
    having count(*) > 1
),

-- most records share nothing with anybody
sharing as (
    select distinct evidence.own_key
    from evidence
    inner join shared
        on
            evidence.level = shared.level
            and evidence.identifier = shared.identifier
),

int_identity_evidence as (
    select
        evidence.own_key,
        evidence.level,
        evidence.identifier
    from evidence
    inner join sharing on evidence.own_key = sharing.own_key
    union all
    -- joins nobody, yet may speak against it
    select
        affected.own_key,
        'stated_email' as level,
        affected.stated_email as identifier
    from affected
    inner join sharing on affected.own_key = sharing.own_key
    where affected.stated_email is not null
)

select * from int_identity_evidence
