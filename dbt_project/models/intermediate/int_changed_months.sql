{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}

-- int_customer_days fills it, int_cohort_months empties it
with
int_changed_months as (
    select
        cast(null as date) as cohort_month,
        cast(null as text) as acquisition_source,
        cast(null as date) as month,
        cast(null as bigint) as count_days,
        cast(null as bigint) as count_active,
        cast(null as bigint) as count_orders,
        cast(null as bigint) as count_repeat_orders,
        cast(null as numeric(18, 4)) as net_revenue,
        cast(null as numeric(18, 4)) as repeat_revenue,
        cast(null as numeric(18, 4)) as cash_revenue
    where false
)

select * from int_changed_months
