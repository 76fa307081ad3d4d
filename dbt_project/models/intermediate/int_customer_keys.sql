{{ config(materialized='view') }}

with
int_customer_keys as (
    select
        source,
        source_customer_id,
        known_on,
        customer_key
    from {{ ref('int_identity') }}
)

select * from int_customer_keys
