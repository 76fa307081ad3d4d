{% set types = var('events') %}

with
keys as (
    select * from {{ ref('int_customer_keys') }}
),

known as (
    select
        customer_key,
        min(known_on) as known_on
    from keys
    group by customer_key
),

delivered as (
    select
        keys.customer_key,
        events.event_type,
        events.event_on,
        events.scheduled_on,
        events.occurred_at,
        events.source || ':' || events.event_id as event_id
    from {{ ref('input_events') }} as events
    inner join keys
        on
            events.source = keys.source
            and events.source_customer_id = keys.source_customer_id
),

-- what the warehouse knows without any source of events
registered as (
    select
        keys.customer_key,
        'registration' as event_type,
        customers.registered_on as event_on
    from {{ ref('input_customers') }} as customers
    inner join keys
        on
            customers.source = keys.source
            and customers.source_customer_id = keys.source_customer_id
),

unsubscribed as (
    select
        keys.customer_key,
        'unsubscribe' as event_type,
        consents.changed_on as event_on
    from {{ ref('input_consents') }} as consents
    inner join keys
        on
            consents.source = keys.source
            and consents.source_customer_id = keys.source_customer_id
    where consents.status = 'denied' and consents.changed_on <= {{ as_of() }}
),

given_back as (
    select
        customer_key,
        event_type,
        event_on
    from {{ ref('int_given_back') }}
),

happened as (
    select * from delivered
    {% for own in ['registered', 'unsubscribed', 'given_back'] %}
        union all
        select
            customer_key,
            event_type,
            event_on,
            cast(null as date) as scheduled_on,
            cast(null as timestamp with time zone) as occurred_at,
            '' as event_id
        from {{ own }}
    {% endfor %}
),

-- one event of a type per day: what the last of the day announced is what holds
int_events as (
    select distinct on (happened.customer_key, happened.event_type, happened.event_on)
        happened.customer_key,
        happened.event_type,
        happened.event_on,
        happened.scheduled_on
    from happened
    inner join known on happened.customer_key = known.customer_key
    where
        happened.event_on >= known.known_on
        and happened.event_type in (
            {% for type in types %}
                '{{ type }}',
            {% endfor %}
            ''
        )
    order by
        happened.customer_key asc,
        happened.event_type asc,
        happened.event_on asc,
        happened.occurred_at desc nulls last,
        happened.event_id desc
)

select * from int_events
