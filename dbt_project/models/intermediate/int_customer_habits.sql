{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    pre_hook="{{ forget_retired_customers() }}"
) }}

-- Only who changed is looked at: a habit depends on facts alone, not on the night.
with
changed as (
    select
        facts.customer_key,
        facts.known_on,
        facts.facts_hash
    from {{ ref('int_customer_facts') }} as facts
    {% if is_incremental() %}
        left join {{ this }} as built on facts.customer_key = built.customer_key
        where facts.facts_hash is distinct from built.facts_hash
    {% endif %}
),

by_source as (
    select
        orders.customer_key,
        orders.source,
        max(orders.ordered_on) as last_ordered_on,
        {% for day in range(1, 8) %}
            count(*) filter (where extract(isodow from orders.ordered_on) = {{ day }}) as count_day_{{ day }},
        {% endfor %}
        count(*) as count_orders
    from {{ ref('fct_orders') }} as orders
    inner join changed on orders.customer_key = changed.customer_key
    where orders.is_valid
    group by orders.customer_key, orders.source
),

by_weekday as (
    select
        customer_key,
        sum(count_orders) as count_orders,
        {% for day in range(1, 8) %}
            sum(count_day_{{ day }}) as count_day_{{ day }},
        {% endfor %}
        greatest(
            {% for day in range(1, 8) %}
                sum(count_day_{{ day }}){{ ',' if not loop.last }}
            {% endfor %}
        ) as count_most
    from by_source
    group by customer_key
),

-- of equals the one she ordered from last
favourite_sources as (
    select distinct on (customer_key)
        customer_key,
        source
    from by_source
    order by customer_key asc, count_orders desc, last_ordered_on desc, source asc
),

-- A day and what happened on it, as one text that sorts, so nothing has to be sorted. Between them a rank: on one day
-- she visits, then orders, then gives back, then cancels.
touched as (
    select
        ledger.customer_key,
        to_char(ledger.event_on, 'YYYY-MM-DD')
        || case ledger.event_type when 'order' then 1 when 'refund' then 2 else 3 end
        || ledger.event_type as mark
    from {{ ref('int_ledger') }} as ledger
    inner join changed on ledger.customer_key = changed.customer_key
    union all
    select
        events.customer_key,
        to_char(events.event_on, 'YYYY-MM-DD') || 0 || events.event_type as mark
    from {{ ref('int_events') }} as events
    inner join changed on events.customer_key = changed.customer_key
),

touches as (
    select
        customer_key,
        min(mark collate "C") as first_mark,
        max(mark collate "C") as last_mark
    from touched
    group by customer_key
),

int_customer_habits as (
    select
        changed.customer_key,
        cast(left(touches.first_mark, 10) as date) as first_touch_on,
        substr(touches.first_mark, 12) as first_touch,
        cast(left(touches.last_mark, 10) as date) as last_touch_on,
        substr(touches.last_mark, 12) as last_touch,
        favourite_sources.source as favourite_source,
        case by_weekday.count_most
            {% for day in range(1, 8) %}
                when by_weekday.count_day_{{ day }} then {{ day }}
            {% endfor %}
        end as favourite_weekday,
        round(by_weekday.count_most / by_weekday.count_orders, 4) as favourite_weekday_share,
        changed.facts_hash
    from changed
    left join touches on changed.customer_key = touches.customer_key
    left join favourite_sources on changed.customer_key = favourite_sources.customer_key
    left join by_weekday on changed.customer_key = by_weekday.customer_key
)

select * from int_customer_habits
