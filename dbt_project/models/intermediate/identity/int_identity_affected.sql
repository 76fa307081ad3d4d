{# few records change, and the planner cannot know how many: it would compare each with everybody #}
{{ config(schema='pii', unlogged=true, pre_hook='set local enable_nestloop = off') }}

{% set state = as_built('pii', 'int_identity') %}
{% set memberships = as_built('pii', 'identity_memberships', keep_on_full_refresh=true) %}
{% set waits = var('identity').hold %}
{% set kinds = ['email', 'phone', 'loyalty_number'] %}
{% set told = [
    'own_key', 'source', 'source_customer_id', 'known_on', 'email', 'phone', 'loyalty_number', 'stated_email', 'stated',
] %}

with
changes as (
    select * from {{ ref('int_identity_changes') }}
),

pairs as (
    select * from {{ ref('int_identity_pairs') }}
),

present as (
    select * from changes
    where not is_gone
),

{% if state %}
    -- everybody else is as she was
    known as (
        select * from {{ state }}
        where own_key not in (select changes.own_key from changes)
    ),

    -- an identifier that somebody got or lost may count now, or no longer
    touched as (
        {% for kind in kinds %}
            select
                '{{ kind }}' as kind,
                {{ kind }} as identifier
            from changes
            where {{ kind }} is not null
            union
            select
                '{{ kind }}' as kind,
                {{ kind }}_before as identifier
            from changes
            where {{ kind }}_before is not null
            {% if not loop.last %}union{% endif %}
        {% endfor %}
    ),

{% endif %}
holders as (
    {% for kind in kinds %}
        select
            '{{ kind }}' as kind,
            {{ kind }} as identifier,
            own_key,
            email,
            phone,
            loyalty_number,
            cast(null as text) as cluster,
            false as was_used
        from present
        where {{ kind }} is not null
        {% if state %}
            union all
            select
                touched.kind,
                touched.identifier,
                known.own_key,
                known.email,
                known.phone,
                known.loyalty_number,
                known.cluster,
                known.is_{{ kind }}_used as was_used
            from touched
            inner join known on touched.identifier = known.{{ kind }}
            where touched.kind = '{{ kind }}'
        {% endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

judged as (
    select
        kind,
        identifier,
        {{ is_evidence('kind', 'email', 'phone', 'loyalty_number', 'own_key') }} as is_used
    from holders
    group by kind, identifier
),

{% if state %}
    -- whoever was or is connected with a change is decided anew, and so are merges that waited
    clusters as (
        select cluster_before as cluster
        from changes
        where cluster_before is not null
        union
        select holders.cluster
        from holders
        inner join judged
            on
                holders.kind = judged.kind
                and holders.identifier = judged.identifier
        where holders.cluster is not null and (judged.is_used or holders.was_used)
        union
        select known.cluster
        from known
        inner join pairs on known.own_key = pairs.other_key
        inner join changes on pairs.own_key = changes.own_key
        union
        select cluster
        from known
        where blocks like '%:held_%'
        {% if waits and memberships %}
            -- so are those whom an earlier attempt of the night joined or parted: consents may have come since
            union
            select known.cluster
            from known
            inner join {{ memberships }} as last_told on known.own_key = last_told.own_key
            where
                last_told.valid_from <= {{ last_built_night() }}
                and last_told.valid_to > {{ last_built_night() }}
                and known.customer_key <> last_told.customer_key
        {% endif %}
    ),

{% endif %}
affected as (
    select
        {% for column in told %}
            {{ column }},
        {% endfor %}
        false as is_email_used,
        false as is_phone_used,
        false as is_loyalty_number_used
    from present
    {% if state %}
        union all
        select
            {% for column in told %}
                known.{{ column }},
            {% endfor %}
            known.is_email_used,
            known.is_phone_used,
            known.is_loyalty_number_used
        from known
        inner join clusters on known.cluster = clusters.cluster
    {% endif %}
),

int_identity_affected as (
    select
        {% for column in told %}
            affected.{{ column }},
        {% endfor %}
        {% for kind in kinds %}
            coalesce(of_{{ kind }}.is_used, affected.is_{{ kind }}_used) as is_{{ kind }}_used
            {% if not loop.last %},{% endif %}
        {% endfor %}
    from affected
    {% for kind in kinds %}
        left join judged as of_{{ kind }}
            on
                of_{{ kind }}.kind = '{{ kind }}'
                and affected.{{ kind }} = of_{{ kind }}.identifier
    {% endfor %}
)

select * from int_identity_affected
