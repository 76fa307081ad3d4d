with
stg_orders as (
    {{ staged_orders() }}
)

select * from stg_orders
