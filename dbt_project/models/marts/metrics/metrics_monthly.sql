{{ config(materialized='view') }}

with
metrics_monthly as (
    {{ order_metrics('month', month_of) }}
)

select * from metrics_monthly
