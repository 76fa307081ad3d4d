{{ config(materialized='view') }}

with
metrics_daily as (
    {{ order_metrics('day', day_of) }}
)

select * from metrics_daily
