with
keys as (
    select * from {{ ref('int_customer_keys') }}
),

addresses as (
    select * from {{ ref('int_addresses') }}
),

-- within a record of a source the latest statement counts; of two at one moment the denial
latest as (
    select
        *,
        row_number() over (
            partition by source, source_customer_id, channel, purpose
            order by changed_at desc, status asc
        ) as statement_rank
    from {{ ref('input_consents') }}
),

-- a denial also counts for everybody who shares the address of its record, whatever the night knows of the record
statements as (
    select
        keys.customer_key,
        latest.*
    from latest
    inner join keys
        on
            latest.source = keys.source
            and latest.source_customer_id = keys.source_customer_id
    where latest.statement_rank = 1
    union all
    select
        addresses.customer_key,
        latest.*
    from latest
    inner join addresses
        on
            latest.source = addresses.source
            and latest.source_customer_id = addresses.source_customer_id
    where latest.statement_rank = 1 and latest.status = 'denied'
),

-- across sources and merged members the most restrictive counts
ranked as (
    select
        *,
        row_number() over (
            partition by customer_key, channel, purpose
            order by status asc, changed_at desc, source asc
        ) as restriction_rank
    from statements
),

consents as (
    select
        customer_key,
        channel,
        purpose,
        status,
        changed_on as since,
        source
    from ranked
    where restriction_rank = 1
)

select * from consents
