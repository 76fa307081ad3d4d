{{ config(materialized='view') }}

with
months as (
    select distinct {{ month_of('day') }} as month
    from {{ ref('dim_days') }}
    where day <= {{ as_of() }}
),

-- who is in a cohort has been there since the month of her first order
retained as (
    select
        month,
        sum(count_customers) as earlier_customers,
        sum(count_active) as retained_customers
    from {{ ref('fct_cohort_retention') }}
    where age_months > 0
    group by month
),

second_orders as (
    select
        cohort_month as month,
        count_reached as first_time_customers,
        count_went_on as second_time_customers
    from {{ ref('order_funnel') }}
    where order_number = 1 and cohort_month is not null
),

repeated as (
    select
        cohort_month as month,
        count_observed as observed_customers_90d,
        count_repeated as repeat_customers_90d
    from {{ ref('repurchase') }}
    where order_number = 1 and within_days = 90 and cohort_month is not null
),

sales as (
    select
        month,
        sum(net_revenue) as net_revenue,
        sum(net_revenue) filter (where customer_age = 'returning') as returning_revenue
    from {{ ref('sales_by_customer_age') }}
    group by month
),

warnings as (
    select * from {{ ref('early_warning_quality') }}
    where reason = 'any'
),

metrics_loyalty as (
    select
        months.month,
        cast(coalesce(retained.earlier_customers, 0) as bigint) as earlier_customers,
        cast(coalesce(retained.retained_customers, 0) as bigint) as retained_customers,
        round(retained.retained_customers / nullif(retained.earlier_customers, 0), 6) as retention_rate,
        coalesce(second_orders.first_time_customers, 0) as first_time_customers,
        coalesce(second_orders.second_time_customers, 0) as second_time_customers,
        round(
            cast(second_orders.second_time_customers as numeric) / nullif(second_orders.first_time_customers, 0), 6
        ) as second_order_rate,
        coalesce(repeated.observed_customers_90d, 0) as observed_customers_90d,
        coalesce(repeated.repeat_customers_90d, 0) as repeat_customers_90d,
        round(
            cast(repeated.repeat_customers_90d as numeric) / nullif(repeated.observed_customers_90d, 0), 6
        ) as repurchase_rate_90d,
        coalesce(sales.returning_revenue, 0) as returning_revenue,
        round(sales.returning_revenue / nullif(sales.net_revenue, 0), 6) as returning_revenue_share,
        coalesce(warnings.count_judged, 0) as judged_warnings,
        coalesce(warnings.count_lost, 0) as right_warnings,
        warnings.precision_share as warning_precision
    from months
    left join retained on months.month = retained.month
    left join second_orders on months.month = second_orders.month
    left join repeated on months.month = repeated.month
    left join sales on months.month = sales.month
    left join warnings on months.month = warnings.month
)

select * from metrics_loyalty
