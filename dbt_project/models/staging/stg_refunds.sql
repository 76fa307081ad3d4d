with
stg_refunds as (
    {{ staged_refunds() }}
)

select * from stg_refunds
