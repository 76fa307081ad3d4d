with
newest as (
    {{ newest_version('events', ['event_id'], version='changed_at') }}
),

stg_events as (
    select
        source,
        event_id,
        customer_id,
        event_type,
        occurred_at,
        {{ business_day('occurred_at') }} as event_on,
        {{ business_day('scheduled_for') }} as scheduled_on
    from newest
)

select * from stg_events
