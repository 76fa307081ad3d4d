{% set own = var('currency') %}

with
refunds as (
    select * from {{ ref('stg_refunds') }}
),

orders as (
    select * from {{ ref('input_orders') }}
),

-- a refund cannot take effect before its order
visible as (
    select
        refunds.source,
        refunds.refund_id,
        refunds.order_id,
        orders.ordered_on,
        greatest(refunds.refunded_on, orders.ordered_on) as refunded_on,
        refunds.amount,
        refunds.currency
    from refunds
    left join orders
        on
            refunds.source = orders.source
            and refunds.order_id = orders.order_id
    where greatest(refunds.refunded_on, orders.ordered_on) <= {{ as_of() }}
),

-- with the rate of the order's day: what was paid and given back in full is nothing, whatever became of the rate
input_refunds as (
    select
        source,
        refund_id,
        order_id,
        refunded_on,
        cast(amount as numeric(18, 4)) as amount,
        currency
    from visible
    where currency = '{{ own }}'
    {% if var('other_currencies') %}
        union all
        select
            visible.source,
            visible.refund_id,
            visible.order_id,
            visible.refunded_on,
            cast(visible.amount * rates.rate as numeric(18, 4)) as amount,
            '{{ own }}' as currency
        from visible
        inner join {{ ref('input_exchange_rates') }} as rates
            on
                visible.currency = rates.currency
                and visible.ordered_on >= rates.valid_from
                and visible.ordered_on < rates.valid_to
        where visible.currency <> '{{ own }}'
    {% endif %}
)

select * from input_refunds
