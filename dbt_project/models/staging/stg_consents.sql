with
-- of several statements of one moment the denial, in whatever order and on whatever nights they were delivered
newest as (
    {{
        newest_version(
            'consents', ['customer_id', 'channel', 'purpose', 'changed_at'], wins="raw_rows.status = 'denied'"
        )
    }}
),

rejected as (
    select
        rejected_rows.source,
        rejected_rows.mapped ->> 'customer_id' as customer_id,
        rejected_rows.mapped ->> 'channel' as stated_channel,
        rejected_rows.mapped ->> 'purpose' as purpose,
        cast(rejected_rows.mapped ->> 'stated_at' as timestamp with time zone) as stated_at,
        min(batches.extracted_at) as extracted_at,
        min(batches.as_of) as received_on
    from {{ source('quarantine', 'rejected_rows') }} as rejected_rows
    inner join {{ source('ops', 'batches') }} as batches on rejected_rows.batch_id = batches.batch_id
    where
        rejected_rows.entity = 'consents'
        and batches.as_of <= {{ as_of() }}
        and rejected_rows.mapped ->> 'customer_id' is not null
        and rejected_rows.mapped ->> 'purpose' is not null
        and rejected_rows.mapped ->> 'status' is not null
    group by rejected_rows.source, rejected_rows.mapped
),

-- a statement that cannot be understood may have been a denial: it counts as one until it is delivered again or a
-- later one is made; one of an unknown channel counts for all
not_understood as (
    select
        rejected.source,
        rejected.customer_id,
        channels.channel,
        rejected.purpose,
        'denied' as status,
        coalesce(rejected.stated_at, rejected.extracted_at) as changed_at,
        rejected.received_on
    from rejected
    cross join (values ('email'), ('sms')) as channels (channel)
    left join newest
        on
            rejected.source = newest.source
            and rejected.customer_id = newest.customer_id
            and rejected.purpose = newest.purpose
            and rejected.stated_at = newest.changed_at
            and channels.channel = newest.channel
    where
        newest.customer_id is null
        and (
            rejected.stated_channel is null
            or rejected.stated_channel not in ('email', 'sms')
            or rejected.stated_channel = channels.channel
        )
),

-- one that is understood at last was received when it first came, not when it was replayed
first_received as (
    select
        source,
        customer_id,
        purpose,
        stated_at,
        min(received_on) as received_on
    from rejected
    group by source, customer_id, purpose, stated_at
),

statements as (
    select
        newest.source,
        newest.customer_id,
        newest.channel,
        newest.purpose,
        newest.status,
        newest.changed_at,
        least(newest.batch_as_of, first_received.received_on) as received_on
    from newest
    left join first_received
        on
            newest.source = first_received.source
            and newest.customer_id = first_received.customer_id
            and newest.purpose = first_received.purpose
            and newest.changed_at = first_received.stated_at
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
