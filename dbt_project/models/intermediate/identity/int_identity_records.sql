{{ config(materialized='view', schema='pii') }}

with
int_identity_records as (
    {{ identity_records() }}
)

select * from int_identity_records
