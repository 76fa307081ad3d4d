-- who has no order that counts before the month is new in it, and so are those who have none at all
with
happened as (
    select
        month,
        case when cohort_month < month then 'returning' else 'new' end as customer_age,
        count_active,
        count_orders,
        count_repeat_orders,
        net_revenue,
        repeat_revenue,
        cash_revenue
    from {{ ref('int_cohort_months') }}
),

first_month as (
    select min(month) as month
    from happened
),

-- every month of the shop, also those in which nobody came
lived as (
    select
        cast(months.month as date) as month,
        ages.customer_age,
        0 as count_active,
        0 as count_orders,
        0 as count_repeat_orders,
        0 as net_revenue,
        0 as repeat_revenue,
        0 as cash_revenue
    from first_month
    cross join
        lateral generate_series(
            cast(first_month.month as timestamp), {{ as_of() }}, interval '1 month'
        ) as months (month)
    cross join
        (values ('new'), ('returning')) as ages (customer_age)
),

all_months as (
    select * from happened
    union all
    select * from lived
),

summed as (
    select
        month,
        customer_age,
        sum(count_active) as count_customers,
        sum(count_orders) as count_orders,
        sum(count_repeat_orders) as count_repeat_orders,
        sum(net_revenue) as net_revenue,
        sum(repeat_revenue) as repeat_revenue,
        sum(cash_revenue) as cash_revenue
    from all_months
    group by month, customer_age
),

-- a month whose sales are not positive has no shares
sales_by_customer_age as (
    select
        month,
        customer_age,
        cast(count_customers as bigint) as count_customers,
        cast(count_orders as bigint) as count_orders,
        cast(count_repeat_orders as bigint) as count_repeat_orders,
        cast(net_revenue as numeric(18, 4)) as net_revenue,
        cast(repeat_revenue as numeric(18, 4)) as repeat_revenue,
        cast(cash_revenue as numeric(18, 4)) as cash_revenue,
        round(count_customers / nullif(sum(count_customers) over (partition by month), 0), 6) as share_of_customers,
        round(count_orders / nullif(sum(count_orders) over (partition by month), 0), 6) as share_of_orders,
        case
            when sum(net_revenue) over (partition by month) > 0
                then round(net_revenue / sum(net_revenue) over (partition by month), 6)
        end as share_of_revenue,
        {{ month_is_over('month') }} as is_mature
    from summed
)

select * from sales_by_customer_age
