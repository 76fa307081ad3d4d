with
cohorts as (
    select
        cohort_month,
        acquisition_source,
        count(*) as count_customers
    from {{ ref('int_cohorts') }}
    where cohort_month is not null
    group by cohort_month, acquisition_source
),

-- what came before the first order that counts was given back, wholly or as money: it belongs to the beginning
happened as (
    select
        cohort_month,
        acquisition_source,
        case when cohort_month is not null then greatest(month, cohort_month) end as month,
        0 as count_customers,
        count_active,
        count_orders,
        net_revenue,
        cash_revenue
    from {{ ref('int_cohort_months') }}
),

-- every month since, also those in which nothing happened
lived as (
    select
        cohorts.cohort_month,
        cohorts.acquisition_source,
        cast(months.month as date) as month,
        cohorts.count_customers,
        0 as count_active,
        0 as count_orders,
        0 as net_revenue,
        0 as cash_revenue
    from cohorts
    cross join
        lateral generate_series(
            cast(cohorts.cohort_month as timestamp), {{ as_of() }}, interval '1 month'
        ) as months (month)
),

all_months as (
    select * from happened
    union all
    select * from lived
),

summed as (
    select
        cohort_month,
        acquisition_source,
        month,
        sum(count_customers) as count_customers,
        sum(count_active) as count_active,
        sum(count_orders) as count_orders,
        sum(net_revenue) as net_revenue,
        sum(cash_revenue) as cash_revenue
    from all_months
    group by cohort_month, acquisition_source, month
),

fct_cohort_retention_by_source as (
    select
        cohort_month,
        acquisition_source,
        {{ months_since('cohort_month', 'month') }} as age_months,
        month,
        {{ cohort_measures(['cohort_month', 'acquisition_source']) }}
    from summed
)

select * from fct_cohort_retention_by_source
