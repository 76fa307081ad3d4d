{# emptied once int_episodes has read it: nothing to recover after a crash #}
{{ config(unlogged=true) }}

{% set types = var('events') %}

with
changed as (
    select * from {{ ref('int_changed_customers') }}
),

states as (
    select * from {{ ref('int_order_states') }}
),

-- a refund or cancellation changes what earlier orders count for: from that day on another regime holds
breaks as (
    select distinct
        ledger.customer_key,
        ledger.event_on as regime_from
    from {{ ref('int_ledger') }} as ledger
    inner join changed on ledger.customer_key = changed.customer_key
    where ledger.event_type <> 'order'
),

broken as (
    select distinct customer_key from breaks
),

starts as (
    select * from breaks
    union all
    select
        customer_key,
        date '-infinity' as regime_from
    from broken
),

-- most people have one regime only
regimes as (
    select
        changed.customer_key,
        changed.known_on,
        changed.facts_hash,
        date '-infinity' as regime_from,
        date 'infinity' as regime_to
    from changed
    left join broken on changed.customer_key = broken.customer_key
    where broken.customer_key is null
    union all
    select
        starts.customer_key,
        changed.known_on,
        changed.facts_hash,
        starts.regime_from,
        lead(starts.regime_from, 1, date 'infinity') over (
            partition by starts.customer_key
            order by starts.regime_from
        ) as regime_to
    from starts
    inner join changed on starts.customer_key = changed.customer_key
),

-- the orders of a customer as each regime sees them, the day on which it begins, and what happened besides
happened as (
    select
        regimes.*,
        states.ordered_on as touch_on,
        states.ordered_on as order_on,
        states.net_amount as amount,
        cast(null as text) as event_type,
        cast(null as text) as event_mark
    from regimes
    inner join states
        on
            regimes.customer_key = states.customer_key
            and regimes.regime_to > states.state_from
            and regimes.regime_from < states.state_to
    where states.state_from < states.state_to and states.is_valid
    union all
    select
        *,
        greatest(regime_from, known_on) as touch_on,
        cast(null as date) as order_on,
        0 as amount,
        cast(null as text) as event_type,
        cast(null as text) as event_mark
    from regimes
    where regime_from > date '-infinity' or known_on < regime_to
    {% if types %}
        union all
        select
            regimes.*,
            events.event_on as touch_on,
            cast(null as date) as order_on,
            0 as amount,
            events.event_type,
            to_char(events.event_on, 'YYYY-MM-DD')
            || coalesce(to_char(events.scheduled_on, 'YYYY-MM-DD'), '') as event_mark
        from regimes
        inner join {{ ref('int_events') }} as events
            on
                regimes.customer_key = events.customer_key
                and regimes.regime_to > events.event_on
    {% endif %}
),

int_touches as (
    select
        customer_key,
        regime_from,
        touch_on,
        max(regime_to) as regime_to,
        max(order_on) as order_on,
        {% for type in types %}
            max(event_mark) filter (where event_type = '{{ type }}') as {{ type }}_mark,
        {% endfor %}
        cast(sum(amount) as double precision) as amount,
        min(facts_hash) as facts_hash
    from happened
    group by customer_key, regime_from, touch_on
)

select * from int_touches
