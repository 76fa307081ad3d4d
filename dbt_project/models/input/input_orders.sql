with
orders as (
    select * from {{ ref('stg_orders') }}
),

-- what happens after the night stays invisible to it, also when it is already loaded
input_orders as (
    select
        source,
        order_id,
        customer_id as source_customer_id,
        ordered_at,
        ordered_on,
        case
            when cancelled_on <= {{ as_of() }} then greatest(cancelled_on, ordered_on)
        end as cancelled_on,
        cast(amount as numeric(18, 4)) as gross_amount,
        currency
    from orders
    where ordered_on <= {{ as_of() }}
)

select * from input_orders
