{% set recent = var('value').recent_days %}

with
-- several orders of one day are one: the models count days on which she ordered
order_days as (
    select
        customer_key,
        ordered_on,
        sum(net_amount) as net_revenue,
        sum(net_amount) filter (where is_valid) as net_amount
    from {{ ref('fct_orders') }}
    group by customer_key, ordered_on
),

summed as (
    select
        customer_key,
        sum(net_revenue) as net_revenue,
        min(ordered_on) filter (where net_amount is not null) as first_order_on,
        max(ordered_on) filter (where net_amount is not null) as last_order_on,
        cast(count(net_amount) as integer) as order_days,
        cast(count(net_amount) filter (where ordered_on > {{ as_of() }} - {{ recent }}) as integer)
            as recent_order_days,
        cast(count(*) filter (where net_amount > 0) as integer) as valued_orders,
        cast(avg(net_amount) filter (where net_amount > 0) as double precision) as mean_value
    from order_days
    group by customer_key
),

int_order_histories as (
    select
        customer_key,
        net_revenue,
        first_order_on,
        last_order_on,
        nullif(order_days, 0) - 1 as x,
        last_order_on - first_order_on as t_x,
        {{ as_of() }} - first_order_on as t,
        -- her very first order says when she came, not how often she comes
        recent_order_days - cast(first_order_on > {{ as_of() }} - {{ recent }} as integer) as recent_x,
        case when order_days > 0 then least({{ as_of() }} - first_order_on, {{ recent }}) end as recent_t,
        valued_orders,
        mean_value
    from summed
)

select * from int_order_histories
