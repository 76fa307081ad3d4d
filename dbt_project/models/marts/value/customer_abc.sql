with
customers as (
    select * from {{ ref('dim_customers') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

spent as (
    select
        customer_key,
        sum(net_amount) as value_12m
    from orders
    where ordered_on > {{ as_of() }} - 365
    group by customer_key
),

valued as (
    select
        customers.customer_key,
        customers.is_prospect,
        coalesce(spent.value_12m, 0) as value_12m,
        greatest(coalesce(spent.value_12m, 0), 0) as counted_value
    from customers
    left join spent on customers.customer_key = spent.customer_key
),

-- the default frame includes peers, so customers of equal value stand together
ranked as (
    select
        *,
        sum(counted_value) over (order by counted_value desc) as value_cum,
        sum(counted_value) over (partition by counted_value) as value_of_peers,
        sum(counted_value) over () as value_total
    from valued
),

shared as (
    select
        *,
        value_cum / nullif(value_total, 0) as revenue_share_cum,
        (value_cum - value_of_peers) / nullif(value_total, 0) as revenue_share_before
    from ranked
),

-- the customer who crosses 80 % still belongs to A, the one who crosses 95 % to B
customer_abc as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        value_12m,
        round(revenue_share_cum, 6) as revenue_share_cum,
        case
            when is_prospect then 'N'
            when counted_value = 0 then 'C'
            when revenue_share_before < 0.80 then 'A'
            when revenue_share_before < 0.95 then 'B'
            else 'C'
        end as abc_tier
    from shared
)

select * from customer_abc
