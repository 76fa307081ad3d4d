{{ config(schema='pii', unlogged=true) }}

{% set state = as_built('pii', 'int_identity') %}
{% set kinds = ['email', 'phone', 'loyalty_number'] %}
{% set told = ['known_on', 'email', 'phone', 'loyalty_number', 'stated_email', 'stated'] %}
{# refs of which one is read: the first where it lists everything that may have changed #}
{% set touched = ref('int_touched_records') %}
{% set everybody = ref('int_identity_records') %}
{# nights read what the view of everybody reads #}
-- depends_on: {{ ref('int_identity_pairs') }}, {{ ref('input_customers') }}, {{ ref('int_record_orders') }}
-- depends_on: {{ source('pii', 'erased_records') }}
{% set asked = 'asked' if state and lists_all_changes(state) else none %}

with
{% if asked %}
    pairs as (
        select * from {{ ref('int_identity_pairs') }}
    ),

    stated as (
        {{ stated_of('pairs') }}
    ),

    stated_before as (
        select * from {{ state }}
        where stated is not null
    ),

    -- an override, a link and an erasure come in no batch
    asked as (
        select
            source,
            source_customer_id
        from {{ touched }}
        union
        select
            coalesce(stated.source, stated_before.source) as source,
            coalesce(stated.source_customer_id, stated_before.source_customer_id) as source_customer_id
        from stated
        full outer join stated_before
            on
                stated.source = stated_before.source
                and stated.source_customer_id = stated_before.source_customer_id
        where stated.stated is distinct from stated_before.stated
        union
        select
            source,
            pseudonym as source_customer_id
        from {{ source('pii', 'erased_records') }}
    ),

{% endif %}
records as (
    {% if asked %}
        {{ identity_records(asked) }}
    {% else %}
        select * from {{ everybody }}
    {% endif %}
),

known as (
    {% if state %}
        select * from {{ state }}
        {{ of_those(asked) }}
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
