with
orders as (
    select * from {{ ref('input_orders') }}
),

keys as (
    select * from {{ ref('int_customer_keys') }}
),

ledger as (
    select
        source,
        order_id,
        sum(amount) as net_amount,
        -coalesce(sum(amount) filter (where event_type = 'refund'), 0) as refunded_amount
    from {{ ref('int_ledger') }}
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
        ledger.refunded_amount,
        ledger.net_amount,
        orders.currency,
        orders.original_currency,
        orders.original_amount,
        orders.exchange_rate,
        orders.cancelled_on,
        orders.cancelled_on is null and orders.gross_amount > 0 and ledger.net_amount > 0 as is_valid
    from orders
    inner join keys
        on
            orders.source = keys.source
            and orders.source_customer_id = keys.source_customer_id
    inner join ledger
        on
            orders.source = ledger.source
            and orders.order_id = ledger.order_id
)

select * from fct_orders
