with
newest as (
    {{ newest_version('consents', ['customer_id', 'channel', 'purpose', 'changed_at']) }}
),

-- a statement that cannot be understood may have been a denial: until a later one can be, it counts as one
not_understood as (
    select
        rejected.source,
        rejected.mapped ->> 'customer_id' as customer_id,
        rejected.mapped ->> 'channel' as channel,
        rejected.mapped ->> 'purpose' as purpose,
        'denied' as status,
        batches.extracted_at as changed_at
    from {{ source('quarantine', 'rejected_rows') }} as rejected
    inner join {{ source('ops', 'batches') }} as batches on rejected.batch_id = batches.batch_id
    where
        rejected.entity = 'consents'
        and batches.as_of <= {{ as_of() }}
        and rejected.mapped ->> 'customer_id' is not null
        and rejected.mapped ->> 'channel' in ('email', 'sms')
        and rejected.mapped ->> 'purpose' is not null
),

statements as (
    select
        source,
        customer_id,
        channel,
        purpose,
        status,
        changed_at
    from newest
    union all
    select * from not_understood
),

stg_consents as (
    select
        *,
        {{ business_day('changed_at') }} as changed_on
    from statements
)

select * from stg_consents
