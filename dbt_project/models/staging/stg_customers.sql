{{ config(schema='pii') }}

with
stg_customers as (
    {{ staged_customers() }}
)

select * from stg_customers
