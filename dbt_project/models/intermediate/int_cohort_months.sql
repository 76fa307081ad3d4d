with
cohorts as (
    select * from {{ ref('int_cohorts') }}
),

ordered as (
    select
        cohorts.customer_key,
        cohorts.cohort_month,
        cohorts.acquisition_source,
        {{ month_of('orders.ordered_on') }} as month,
        orders.is_valid,
        orders.ordered_on > cohorts.first_ordered_on as is_repeat,
        orders.net_amount,
        orders.gross_amount
    from {{ ref('fct_orders') }} as orders
    inner join cohorts on orders.customer_key = cohorts.customer_key
),

-- one row per person, so that the next step counts persons
customer_months as (
    select
        cohort_month,
        acquisition_source,
        month,
        count(*) filter (where is_valid) as count_orders,
        count(*) filter (where is_valid and is_repeat) as count_repeat_orders,
        sum(net_amount) as net_revenue,
        sum(net_amount) filter (where is_repeat) as repeat_revenue,
        sum(gross_amount) as cash_revenue
    from ordered
    group by customer_key, cohort_month, acquisition_source, month
),

-- money is given back when it is given back, whenever the order was
given_back as (
    select
        cohorts.cohort_month,
        cohorts.acquisition_source,
        {{ month_of('ledger.event_on') }} as month,
        sum(ledger.amount) as cash_revenue
    from {{ ref('int_ledger') }} as ledger
    inner join cohorts on ledger.customer_key = cohorts.customer_key
    where ledger.event_type <> 'order'
    group by cohorts.cohort_month, cohorts.acquisition_source, {{ month_of('ledger.event_on') }}
),

moved as (
    select
        cohort_month,
        acquisition_source,
        month,
        count(*) filter (where count_orders > 0) as count_active,
        sum(count_orders) as count_orders,
        sum(count_repeat_orders) as count_repeat_orders,
        sum(net_revenue) as net_revenue,
        sum(repeat_revenue) as repeat_revenue,
        sum(cash_revenue) as cash_revenue
    from customer_months
    group by cohort_month, acquisition_source, month
    union all
    select
        cohort_month,
        acquisition_source,
        month,
        0 as count_active,
        0 as count_orders,
        0 as count_repeat_orders,
        0 as net_revenue,
        0 as repeat_revenue,
        cash_revenue
    from given_back
),

int_cohort_months as (
    select
        cohort_month,
        acquisition_source,
        month,
        cast(sum(count_active) as bigint) as count_active,
        cast(sum(count_orders) as bigint) as count_orders,
        cast(sum(count_repeat_orders) as bigint) as count_repeat_orders,
        cast(sum(net_revenue) as numeric(18, 4)) as net_revenue,
        cast(coalesce(sum(repeat_revenue), 0) as numeric(18, 4)) as repeat_revenue,
        cast(sum(cash_revenue) as numeric(18, 4)) as cash_revenue
    from moved
    group by cohort_month, acquisition_source, month
)

select * from int_cohort_months
