{{ config(schema='pii', unlogged=true) }}

{% set state = as_built('pii', 'int_identity') %}
{% set kinds = ['email', 'phone', 'loyalty_number'] %}
{% set told = ['known_on', 'email', 'phone', 'loyalty_number', 'stated_email', 'stated'] %}

with
records as (
    select * from {{ ref('int_identity_records') }}
),

known as (
    {% if state %}
        select * from {{ state }}
    {% else %}
        select
            *,
            cast(null as text) as own_key,
            cast(null as text) as cluster,
            {{ identity_hash() }} as built_from
        from records
        where false
    {% endif %}
),

int_identity_changes as (
    select
        coalesce(known.own_key, {{ own_key('records.source', 'records.source_customer_id') }}) as own_key,
        records.source,
        records.source_customer_id,
        {% for column in told %}
            records.{{ column }},
        {% endfor %}
        {% for column in kinds %}
            known.{{ column }} as {{ column }}_before,
        {% endfor %}
        known.cluster as cluster_before,
        records.source is null as is_gone
    from records
    full outer join known
        on
            records.source = known.source
            and records.source_customer_id = known.source_customer_id
    where
        records.source is null
        or known.own_key is null
        or known.built_from <> {{ identity_hash() }}
        {% for column in told %}
            or records.{{ column }} is distinct from known.{{ column }}
        {% endfor %}
)

select * from int_identity_changes
