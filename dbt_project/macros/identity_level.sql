{#
  One step of recognising people: persons as the step `before` left them, joined where they share an identifier of
  `level`, unless something speaks against it; then all of the component stay apart, or, where a merge only waits, as the
  last finished night left them. Without a step before, every record is a person of its own, known by its own key.
#}
{% macro identity_level(level, before=none) -%}
-- depends_on: {{ ref('int_latest_consents') }}, {{ ref('int_wishes') }}
with recursive
evidence as (
    select * from {{ ref('int_identity_evidence') }}
),

pairs as (
    select * from {{ ref('int_identity_pairs') }}
),

before as (
    {% if before %}
        select
            own_key,
            person
        from {{ before }}
    {% else %}
        select distinct
            own_key,
            own_key as person
        from evidence
    {% endif %}
),

held_by as (
    select distinct
        before.person,
        evidence.identifier
    from before
    inner join evidence on before.own_key = evidence.own_key
    where evidence.level = '{{ level }}'
),

{{ components() }},

members as (
    select
        before.own_key,
        before.person,
        components.component
    from before
    inner join components on before.person = components.person
),

declared_different as (
    select distinct members.component
    from members
    inner join pairs
        on
            members.own_key = pairs.own_key
            and pairs.level = 'different'
    inner join members as others
        on
            pairs.other_key = others.own_key
            and members.component = others.component
            and members.person <> others.person
),

{% if level in ('phone', 'loyalty_number') %}
    addresses as (
        select distinct
            members.component,
            members.person,
            evidence.identifier
        from members
        inner join evidence
            on
                members.own_key = evidence.own_key
                and evidence.level = 'stated_email'
    ),

    -- nobody has an address that the others lack, or they are not the same
    different_emails as (
        select of_persons.component
        from (
            select
                component,
                count(*) as count_addresses
            from addresses
            group by component, person
        ) as of_persons
        inner join (
            select
                component,
                count(distinct identifier) as count_addresses
            from addresses
            group by component
        ) as of_all on of_persons.component = of_all.component
        group by of_persons.component, of_all.count_addresses
        having max(of_persons.count_addresses) < of_all.count_addresses
    ),
{% else %}
    different_emails as (
        select component
        from members
        where false
    ),
{% endif %}

{{ held_merges(level) }},

judged as (
    select
        components.component,
        case
            when declared_different.component is not null then 'declared_different'
            when different_emails.component is not null then 'different_emails'
            when held.component is not null then held.reason
        end as reason,
        held.merge_id
    from (select distinct component from components) as components
    left join declared_different on components.component = declared_different.component
    left join different_emails on components.component = different_emails.component
    left join held on components.component = held.component
)

select
    before.own_key,
    case
        when
            judged.reason is null
            {%- if var('identity_preview', false) %} or judged.reason like 'held%'{% endif %}
            then coalesce(judged.component, before.person)
        when judged.reason like 'held%' then coalesce(as_they_were.kept, before.person)
        else before.person
    end as person,
    via.identifier,
    '{{ level }}:' || judged.reason || ':'
    || case when judged.reason like 'held%' then judged.merge_id else judged.component end as block
from before
left join components on before.person = components.person
left join judged on components.component = judged.component
left join via on before.person = via.person
left join as_they_were on before.person = as_they_were.person
{%- endmacro %}
