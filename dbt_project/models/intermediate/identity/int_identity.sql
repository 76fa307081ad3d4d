{% set kinds = ['email', 'phone', 'loyalty_number'] %}
{% set told = [
    'own_key', 'source', 'source_customer_id', 'known_on', 'email', 'phone', 'loyalty_number', 'stated_email', 'stated',
] %}
{% set levels = ['override', 'link', 'email', 'phone', 'loyalty_number'] %}

{{ config(
    schema='pii',
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='own_key',
    pre_hook=["{{ in_full_only_with(identity_lists()) }}", "{{ forget_records_that_are_gone() }}"],
    post_hook=["{{ empty_lists(identity_lists()) }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['own_key'], 'unique': true}, {'columns': ['source_customer_id', 'source']}]
) }}

{# they are read by the hooks only #}
-- depends_on: {{ ref('int_identity_changes') }}, {{ ref('int_identity_evidence') }}

with
affected as (
    select * from {{ ref('int_identity_affected') }}
),

-- those who share anything, with the person they were after every step
steps as (
    select
        affected.own_key,
        affected.known_on,
        affected.source,
        affected.source_customer_id,
        {% for level in levels %}
            by_{{ level }}.person as {{ level }}_person,
            by_{{ level }}.identifier as {{ level }}_identifier,
        {% endfor %}
        concat_ws(
            ',',
            {% for level in levels %}
                by_{{ level }}.block{% if not loop.last %},{% endif %}
            {% endfor %}
        ) as blocks
    from affected
    {% for level in levels %}
        inner join {{ ref('int_identity_by_' ~ level) }} as by_{{ level }} on affected.own_key = by_{{ level }}.own_key
    {% endfor %}
),

-- the key comes from the member known first, so it stays the same in any row order and after a full rebuild
anchored as (
    select
        *,
        first_value(own_key) over (
            partition by {{ levels[-1] }}_person
            order by known_on, source, source_customer_id
        ) as anchor
    from steps
),

joined as (
    select
        anchored.own_key,
        anchored.anchor,
        anchored.blocks,
        case
            when anchored.own_key = anchored.anchor then null
            {% for level in levels %}
                when anchored.{{ level }}_person = anchors.{{ level }}_person then '{{ level }}'
            {% endfor %}
        end as joined_by,
        case
            when anchored.own_key = anchored.anchor then null
            {% for level in levels %}
                when anchored.{{ level }}_person = anchors.{{ level }}_person
                    then md5('{{ level }}:' || anchored.{{ level }}_identifier)
            {% endfor %}
        end as joined_through
    from anchored
    inner join anchored as anchors on anchored.anchor = anchors.own_key
),

int_identity as (
    select
        {% for column in told %}
            affected.{{ column }},
        {% endfor %}
        {% for kind in kinds %}
            affected.is_{{ kind }}_used,
        {% endfor %}
        {{ identity_hash() }} as built_from,
        coalesce(clusters.cluster, affected.own_key) as cluster,
        coalesce(joined.anchor, affected.own_key) as customer_key,
        joined.joined_by,
        joined.joined_through,
        nullif(
            concat_ws(
                ',',
                nullif(joined.blocks, ''),
                {% for kind in kinds %}
                    case
                        when affected.{{ kind }} is not null and not affected.is_{{ kind }}_used
                            then '{{ kind }}:shared_by_too_many:' || md5('{{ kind }}:' || affected.{{ kind }})
                    end{% if not loop.last %},{% endif %}
                {% endfor %}
            ), ''
        ) as blocks
    from affected
    left join joined on affected.own_key = joined.own_key
    left join {{ ref('int_identity_clusters') }} as clusters on affected.own_key = clusters.own_key
)

select * from int_identity
