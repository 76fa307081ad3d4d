-- the first order-day of a month makes its person active in it, so nobody is counted twice
with
days as (
    select
        *,
        {{ month_of('day') }} as month
    from {{ ref('int_customer_days') }}
    where cash_revenue is not null
),

summed as (
    select
        cohort_month,
        acquisition_source,
        month,
        count(*) filter (
            where counted_revenue is not null and (days_since_order is null or day - days_since_order < month)
        ) as count_active,
        sum(count_orders) as count_orders,
        -- first orders are few, so it is they that are summed, not all others
        coalesce(sum(count_orders) filter (where order_number = 1), 0) as count_first_orders,
        coalesce(sum(net_revenue), 0) as net_revenue,
        coalesce(sum(net_revenue) filter (
            where order_number = 0 or (order_number = 1 and counted_revenue is not null)
        ), 0) as first_revenue,
        sum(cash_revenue) as cash_revenue
    from days
    group by cohort_month, acquisition_source, month
),

int_cohort_months as (
    select
        cohort_month,
        acquisition_source,
        month,
        count_active,
        count_orders,
        count_orders - count_first_orders as count_repeat_orders,
        cast(net_revenue as numeric(18, 4)) as net_revenue,
        cast(net_revenue - first_revenue as numeric(18, 4)) as repeat_revenue,
        cast(cash_revenue as numeric(18, 4)) as cash_revenue
    from summed
)

select * from int_cohort_months
