{{ config(materialized='view') }}

with
int_quadrant_points as (
    select
        {% for point in ('before', 'start') %}
            coalesce(starts.days_{{ point }}, 0) as days_{{ point }},
            coalesce(starts.days_365_{{ point }}, 0) as days_365_{{ point }},
            coalesce(starts.spend_{{ point }}, 0) as spend_{{ point }},
        {% endfor %}
        coalesce(totals.order_days, 0) as days_now,
        coalesce(totals.order_days_365, 0) as days_365_now,
        coalesce(totals.counted_revenue, 0) as spend_now,
        customers.customer_key,
        customers.known_on
    from {{ ref('dim_customers') }} as customers
    left join {{ ref('int_quadrant_starts') }} as starts on customers.customer_key = starts.customer_key
    left join {{ ref('int_order_totals') }} as totals on customers.customer_key = totals.customer_key
)

select * from int_quadrant_points
