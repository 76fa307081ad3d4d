{#
  The figures of metrics_daily and metrics_monthly: orders by period, and who came in it. What a figure means stands
  once, in metrics.yml, under the same name.
#}
{% macro order_metrics(period, of_day) -%}
    with
    orders as (
        select
            {{ of_day('ordered_on') }} as {{ period }},
            sum(gross_amount) as gross_revenue,
            sum(refunded_amount) as refunds,
            sum(net_amount) as net_revenue,
            count(*) filter (where is_valid) as orders,
            count(distinct customer_key) filter (where is_valid) as active_customers
        from {{ ref('fct_orders') }}
        group by {{ of_day('ordered_on') }}
    ),

    arrivals as (
        select
            {{ of_day('first_ordered_on') }} as {{ period }},
            count(*) as new_customers
        from {{ ref('dim_customers') }}
        group by {{ of_day('first_ordered_on') }}
    ),

    periods as (
        select distinct {{ of_day('day') }} as {{ period }}
        from {{ ref('dim_days') }}
        where day <= {{ as_of() }}
    )

    select
        periods.{{ period }},
        coalesce(orders.gross_revenue, 0) as gross_revenue,
        coalesce(orders.refunds, 0) as refunds,
        coalesce(orders.net_revenue, 0) as net_revenue,
        coalesce(orders.orders, 0) as orders,
        coalesce(orders.active_customers, 0) as active_customers,
        coalesce(arrivals.new_customers, 0) as new_customers,
        round(orders.net_revenue / nullif(orders.orders, 0), 4) as average_order_value,
        round(cast(orders.orders as numeric) / nullif(orders.active_customers, 0), 4) as orders_per_active_customer,
        round(orders.refunds / nullif(orders.gross_revenue, 0), 6) as refund_rate
    from periods
    left join orders on periods.{{ period }} = orders.{{ period }}
    left join arrivals on periods.{{ period }} = arrivals.{{ period }}
{%- endmacro %}

{# A day is its own period. #}
{% macro day_of(day) -%}
    {{ day }}
{%- endmacro %}
