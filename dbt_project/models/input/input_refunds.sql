with
refunds as (
    select * from {{ ref('stg_refunds') }}
),

orders as (
    select * from {{ ref('input_orders') }}
),

-- a refund cannot take effect before its order
input_refunds as (
    select
        refunds.source,
        refunds.refund_id,
        refunds.order_id,
        greatest(refunds.refunded_on, orders.ordered_on) as refunded_on,
        cast(refunds.amount as numeric(18, 4)) as amount,
        refunds.currency
    from refunds
    left join orders
        on
            refunds.source = orders.source
            and refunds.order_id = orders.order_id
    where greatest(refunds.refunded_on, orders.ordered_on) <= {{ as_of() }}
)

select * from input_refunds
