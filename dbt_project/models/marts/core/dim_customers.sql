{# a ref that a full build does without #}
{% set touched = ref('int_touched_customers') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_customers_of(ref('int_touched_customers')) }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['customer_key'], 'unique': true}]
) }}

with
keys as (
    select * from {{ ref('int_customer_keys') }}
    {% if is_incremental() %}
        where customer_key in (select touched.customer_key from {{ touched }} as touched)
    {% endif %}
),

source_customers as (
    select * from {{ ref('input_customers') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {% if is_incremental() %}
        where customer_key = any(array(select touched.customer_key from {{ touched }} as touched))
    {% endif %}
),

members as (
    select
        keys.customer_key,
        min(keys.known_on) as known_on,
        count(*) as count_source_customers,
        string_agg(distinct keys.source, ', ' order by keys.source) as sources
    from keys
    group by keys.customer_key
),

-- of several records the one known first speaks, as far as it says anything
records as (
    select
        keys.customer_key,
        source_customers.country,
        source_customers.acquisition_source,
        row_number() over (
            partition by keys.customer_key, source_customers.country is null
            order by keys.known_on, keys.source, keys.source_customer_id
        ) as country_rank,
        row_number() over (
            partition by keys.customer_key, source_customers.acquisition_source is null
            order by keys.known_on, keys.source, keys.source_customer_id
        ) as acquisition_rank
    from keys
    inner join source_customers
        on
            keys.source = source_customers.source
            and keys.source_customer_id = source_customers.source_customer_id
),

described as (
    select
        customer_key,
        max(country) filter (where country_rank = 1) as country,
        max(acquisition_source) filter (where acquisition_rank = 1) as acquisition_source
    from records
    group by customer_key
),

ordered as (
    select
        customer_key,
        min(ordered_on) as first_ordered_on,
        max(ordered_on) as last_ordered_on,
        count(*) as count_orders,
        count(distinct ordered_on) as count_order_days
    from orders
    where is_valid
    group by customer_key
),

dim_customers as (
    select
        members.customer_key,
        members.known_on,
        ordered.first_ordered_on,
        ordered.last_ordered_on,
        coalesce(ordered.count_orders, 0) as count_orders,
        coalesce(ordered.count_order_days, 0) as count_order_days,
        ordered.customer_key is null as is_prospect,
        described.country,
        described.acquisition_source,
        members.count_source_customers,
        members.sources
    from members
    left join described on members.customer_key = described.customer_key
    left join ordered on members.customer_key = ordered.customer_key
)

select * from dim_customers
