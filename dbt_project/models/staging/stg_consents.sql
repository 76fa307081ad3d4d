with
-- of several statements of one moment the denial, in whatever order and on whatever nights they were delivered. It came
-- on the first night that delivered it: a source may tell the same every night, and in another text
delivered as (
    select
        raw_consents.source,
        raw_consents.customer_id,
        raw_consents.channel,
        raw_consents.purpose,
        raw_consents.changed_at,
        case when bool_or(raw_consents.status = 'denied') then 'denied' else 'granted' end as status,
        coalesce(min(batches.as_of) filter (where raw_consents.status = 'denied'), min(batches.as_of)) as received_on
    from {{ source('raw', 'consents') }} as raw_consents
    inner join {{ source('ops', 'batches') }} as batches on raw_consents.batch_id = batches.batch_id
    where batches.as_of <= {{ as_of() }}
    group by
        raw_consents.source, raw_consents.customer_id, raw_consents.channel, raw_consents.purpose,
        raw_consents.changed_at
),

purposes as (
    select purpose from delivered
    union
    select purpose from ({{ configured_purposes() }}) as configured
),

-- what a rule of ours excludes is no statement to us
rejected as (
    select
        rejected_rows.source,
        rejected_rows.mapped ->> 'customer_id' as customer_id,
        rejected_rows.mapped ->> 'channel' as stated_channel,
        rejected_rows.mapped ->> 'purpose' as stated_purpose,
        cast(rejected_rows.mapped ->> 'stated_at' as timestamp with time zone) as stated_at,
        min(batches.extracted_at) as extracted_at,
        min(batches.as_of) as received_on,
        bool_and(coalesce(replays.as_of <= {{ as_of() }}, false)) as is_replayed
    from {{ source('quarantine', 'rejected_rows') }} as rejected_rows
    inner join {{ source('ops', 'batches') }} as batches on rejected_rows.batch_id = batches.batch_id
    left join {{ source('ops', 'batches') }} as replays on rejected_rows.replayed_in = replays.batch_id
    where
        rejected_rows.entity = 'consents'
        and rejected_rows.reason <> 'excluded_by_rule'
        and batches.as_of <= {{ as_of() }}
        and rejected_rows.mapped ->> 'customer_id' is not null
        and rejected_rows.mapped ->> 'status' is not null
    group by rejected_rows.source, rejected_rows.mapped
),

-- one of an unknown channel may be of any, and one without a purpose of every
meant as (
    select
        rejected.source,
        rejected.customer_id,
        channels.channel,
        of_purposes.purpose,
        rejected.stated_at,
        rejected.extracted_at,
        rejected.received_on,
        rejected.is_replayed
    from rejected
    inner join (values ('email'), ('sms')) as channels (channel)
        on
            rejected.stated_channel is null
            or rejected.stated_channel not in ('email', 'sms')
            or rejected.stated_channel = channels.channel
    cross join
        lateral (
            select rejected.stated_purpose as purpose
            where rejected.stated_purpose is not null
            union all
            select purposes.purpose
            from purposes
            where rejected.stated_purpose is null
        ) as of_purposes
),

-- a statement that cannot be understood may have been a denial: it counts as one until it is replayed, delivered again,
-- or a later one is made
not_understood as (
    select
        meant.source,
        meant.customer_id,
        meant.channel,
        meant.purpose,
        coalesce(meant.stated_at, meant.extracted_at) as changed_at,
        'denied' as status,
        meant.received_on
    from meant
    left join delivered
        on
            meant.source = delivered.source
            and meant.customer_id = delivered.customer_id
            and meant.channel = delivered.channel
            and meant.purpose = delivered.purpose
            and meant.stated_at = delivered.changed_at
    where delivered.customer_id is null and not meant.is_replayed
),

-- one that is understood at last was received when it first came, not when it was replayed
first_received as (
    select
        source,
        customer_id,
        channel,
        purpose,
        stated_at,
        min(received_on) as received_on
    from meant
    group by source, customer_id, channel, purpose, stated_at
),

statements as (
    select
        delivered.source,
        delivered.customer_id,
        delivered.channel,
        delivered.purpose,
        delivered.changed_at,
        delivered.status,
        least(delivered.received_on, first_received.received_on) as received_on
    from delivered
    left join first_received
        on
            delivered.source = first_received.source
            and delivered.customer_id = first_received.customer_id
            and delivered.channel = first_received.channel
            and delivered.purpose = first_received.purpose
            and delivered.changed_at = first_received.stated_at
    union all
    select * from not_understood
),

stg_consents as (
    select
        source,
        customer_id,
        channel,
        purpose,
        status,
        changed_at,
        received_on,
        {{ business_day('changed_at') }} as changed_on
    from statements
)

select * from stg_consents
