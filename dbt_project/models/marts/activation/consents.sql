with
statements as (
    select
        statements.*,
        keys.customer_key
    from {{ ref('input_consents') }} as statements
    inner join {{ ref('int_customer_keys') }} as keys
        on
            statements.source = keys.source
            and statements.source_customer_id = keys.source_customer_id
),

-- within a source the latest statement counts; of two at one moment the denial
latest as (
    select
        *,
        row_number() over (
            partition by source, source_customer_id, channel, purpose
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
