-- the first order-day of a month makes its person active in it, so nobody is counted twice
with
days as (
    select
        *,
        {{ month_of('day') }} as month
    from {{ ref('int_customer_days') }}
    where cash_revenue is not null
),

int_cohort_months as (
    select
        cohort_month,
        acquisition_source,
        month,
        count(counted_revenue) filter (
            where days_since_order is null or day - days_since_order < month
        ) as count_active,
        sum(count_orders) as count_orders,
        coalesce(sum(count_orders) filter (where order_number > 1), 0) as count_repeat_orders,
        cast(coalesce(sum(net_revenue), 0) as numeric(18, 4)) as net_revenue,
        cast(coalesce(sum(net_revenue) filter (
            where order_number > 1 or (order_number = 1 and counted_revenue is null)
        ), 0) as numeric(18, 4)) as repeat_revenue,
        cast(sum(cash_revenue) as numeric(18, 4)) as cash_revenue
    from days
    group by cohort_month, acquisition_source, month
)

select * from int_cohort_months
