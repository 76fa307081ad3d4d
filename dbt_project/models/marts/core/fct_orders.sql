{# a ref that a full build does without #}
{% set touched = ref('int_touched_customers') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_customers_of(ref('int_touched_customers')) }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[
        {'columns': ['order_id', 'source'], 'unique': true},
        {'columns': ['customer_key']},
    ]
) }}

with
orders as (
    select * from {{ ref('input_orders') }}
),

keys as (
    select * from {{ ref('int_customer_keys') }}
    {% if is_incremental() %}
        where customer_key in (select touched.customer_key from {{ touched }} as touched)
    {% endif %}
),

-- of most orders nothing was given back
given_back as (
    select
        source,
        order_id,
        sum(amount) as amount,
        -coalesce(sum(amount) filter (where event_type = 'refund'), 0) as refunded_amount
    from {{ ref('int_given_back') }}
    {% if is_incremental() %}
        where customer_key = any(array(select touched.customer_key from {{ touched }} as touched))
    {% endif %}
    group by source, order_id
),

fct_orders as (
    select
        keys.customer_key,
        orders.source,
        orders.order_id,
        orders.ordered_at,
        orders.ordered_on,
        orders.gross_amount,
        coalesce(given_back.refunded_amount, 0) as refunded_amount,
        orders.gross_amount + coalesce(given_back.amount, 0) as net_amount,
        orders.currency,
        orders.original_currency,
        orders.original_amount,
        orders.exchange_rate,
        orders.cancelled_on,
        orders.cancelled_on is null
        and orders.gross_amount > 0
        and orders.gross_amount + coalesce(given_back.amount, 0) > 0 as is_valid
    from orders
    inner join keys
        on
            orders.source = keys.source
            and orders.source_customer_id = keys.source_customer_id
    left join given_back
        on
            orders.source = given_back.source
            and orders.order_id = given_back.order_id
)

select * from fct_orders
