-- everybody has one acquisition source, so nobody and no money is counted twice
with
summed as (
    select
        cohort_month,
        age_months,
        month,
        sum(count_customers) as count_customers,
        sum(count_active) as count_active,
        sum(count_orders) as count_orders,
        sum(net_revenue) as net_revenue,
        sum(cash_revenue) as cash_revenue
    from {{ ref('fct_cohort_retention_by_source') }}
    group by cohort_month, age_months, month
),

fct_cohort_retention as (
    select
        cohort_month,
        age_months,
        month,
        {{ cohort_measures(['cohort_month']) }}
    from summed
)

select * from fct_cohort_retention
