with
keys as (
    select * from {{ ref('int_customer_keys') }}
),

addresses as (
    select * from {{ ref('int_addresses') }}
),

-- a denial also counts for whoever shares the address of a record that the night does not know yet
statements as (
    select
        statements.*,
        coalesce(keys.customer_key, addresses.customer_key) as customer_key
    from {{ ref('input_consents') }} as statements
    left join keys
        on
            statements.source = keys.source
            and statements.source_customer_id = keys.source_customer_id
    left join addresses
        on
            statements.status = 'denied'
            and statements.source = addresses.source
            and statements.source_customer_id = addresses.source_customer_id
    where coalesce(keys.customer_key, addresses.customer_key) is not null
),

-- within a source the latest statement counts; of two at one moment the denial
latest as (
    select
        *,
        row_number() over (
            partition by source, source_customer_id, customer_key, channel, purpose
            order by changed_at desc, status asc
        ) as statement_rank
    from statements
),

-- across sources and merged members the most restrictive counts
ranked as (
    select
        *,
        row_number() over (
            partition by customer_key, channel, purpose
            order by status asc, changed_at desc, source asc
        ) as restriction_rank
    from latest
    where statement_rank = 1
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
