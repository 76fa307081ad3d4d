with
newest as (
    {{ newest_version('consents', ['customer_id', 'channel', 'purpose', 'changed_at']) }}
),

stg_consents as (
    select
        source,
        customer_id,
        channel,
        purpose,
        status,
        changed_at,
        {{ business_day('changed_at') }} as changed_on
    from newest
)

select * from stg_consents
