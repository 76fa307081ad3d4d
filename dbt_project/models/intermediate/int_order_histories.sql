{{ config(materialized='view') }}

{% set recent = var('value').recent_days %}

with
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
        order_days_recent - cast(first_order_on > {{ as_of() }} - {{ recent }} as integer) as recent_x,
        case when order_days > 0 then least({{ as_of() }} - first_order_on, {{ recent }}) end as recent_t,
        valued_orders,
        mean_value
    from {{ ref('int_order_totals') }}
)

select * from int_order_histories
