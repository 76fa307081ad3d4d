with
newest as (
    {{ newest_version('refunds', ['refund_id']) }}
),

stg_refunds as (
    select
        source,
        refund_id,
        order_id,
        refunded_at,
        {{ business_day('refunded_at') }} as refunded_on,
        amount,
        currency
    from newest
)

select * from stg_refunds
