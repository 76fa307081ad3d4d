{{ config(materialized='view') }}

-- by today's truth: an order that was cancelled or given back has never been the first
with
int_cohorts as (
    select
        customer_key,
        {{ month_of('first_ordered_on') }} as cohort_month,
        coalesce(acquisition_source, 'unknown') as acquisition_source,
        first_ordered_on
    from {{ ref('dim_customers') }}
)

select * from int_cohorts
