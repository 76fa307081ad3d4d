with
events as (
    select * from {{ ref('stg_events') }}
),

-- what happens after the night stays invisible to it; what it announces may lie ahead
input_events as (
    select
        source,
        event_id,
        customer_id as source_customer_id,
        event_type,
        occurred_at,
        event_on,
        scheduled_on
    from events
    where event_on <= {{ as_of() }}
)

select * from input_events
