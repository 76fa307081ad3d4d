with
customers as (
    select * from {{ ref('dim_customers') }}
),

earned as (
    select
        customer_key,
        sum(net_amount) as historic_value
    from {{ ref('fct_orders') }}
    group by customer_key
),

customer_clv as (
    select
        {{ as_of() }} as as_of,
        customers.customer_key,
        coalesce(earned.historic_value, 0) as historic_value
    from customers
    left join earned on customers.customer_key = earned.customer_key
)

select * from customer_clv
