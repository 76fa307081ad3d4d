{% set types = var('events') %}

with
cycles as (
    select * from {{ ref('int_cycles') }}
),

events as (
    select * from {{ ref('int_events') }}
),

-- per day and type, its date with what it announced behind it: the greatest text is the latest event
days as (
    select
        customer_key,
        {% for type in types %}
            max(concat(event_on, scheduled_on)) filter (where event_type = '{{ type }}') as {{ type }},
        {% endfor %}
        event_on
    from events
    group by customer_key, event_on
),

eventful as (
    select distinct customer_key from events
),

concerned as (
    select cycles.*
    from cycles
    inner join eventful on cycles.customer_key = eventful.customer_key
),

-- every day of an event opens an episode, so episodes see all of them
seen as (
    select
        concerned.customer_key,
        {% for type in types %}
            max(days.{{ type }}) over so_far as {{ type }},
        {% endfor %}
        concerned.episode_on
    from concerned
    left join days
        on
            concerned.customer_key = days.customer_key
            and concerned.episode_on = days.event_on
    window so_far as (partition by concerned.customer_key order by concerned.episode_on)
),

int_event_states as (
    select
        customer_key,
        episode_on,
        jsonb_strip_nulls(jsonb_build_object(
            {% for type in types %}
                '{{ type }}', left({{ type }}, 10){% if not loop.last %},{% endif %}
            {% endfor %}
        )) as events,
        jsonb_strip_nulls(jsonb_build_object(
            {% for type in types %}
                '{{ type }}', nullif(substr({{ type }}, 11), ''){% if not loop.last %},{% endif %}
            {% endfor %}
        )) as scheduled
    from seen
)

select * from int_event_states
