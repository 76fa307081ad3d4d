{{ config(materialized='view') }}

{% set own = var('currency') %}

with
foreign_refunds as (
    select * from {{ ref('stg_refunds') }}
    where currency <> '{{ own }}'
),

-- few, if any: looked up one by one, since all orders are many
foreign_orders as (
    select
        source,
        order_id
    from {{ source('raw', 'orders') }}
    where currency <> '{{ own }}'
    union
    select
        source,
        order_id
    from foreign_refunds
),

newest as (
    {{ newest_version('orders', ['order_id'], version='changed_at', asked='foreign_orders') }}
),

orders as (
    select
        source,
        order_id,
        currency,
        {{ business_day('ordered_at') }} as ordered_on
    from newest
),

-- a refund counts with the rate of its order's day
needed as (
    select
        currency,
        ordered_on
    from orders
    where currency <> '{{ own }}'
    union all
    select
        foreign_refunds.currency,
        orders.ordered_on
    from foreign_refunds
    inner join orders
        on
            foreign_refunds.source = orders.source
            and foreign_refunds.order_id = orders.order_id
),

input_missing_rates as (
    select
        needed.currency,
        needed.ordered_on as day,
        count(*) as count_rows
    from needed
    left join {{ ref('input_exchange_rates') }} as rates
        on
            needed.currency = rates.currency
            and needed.ordered_on = rates.day
    where
        needed.ordered_on <= {{ as_of() }}
        and rates.currency is null
    group by needed.currency, needed.ordered_on
)

select * from input_missing_rates
