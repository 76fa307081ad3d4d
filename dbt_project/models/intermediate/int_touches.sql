with
changed as (
    select * from {{ ref('int_changed_customers') }}
),

states as (
    select states.*
    from {{ ref('int_order_states') }} as states
    inner join changed on states.customer_key = changed.customer_key
    where states.state_from < states.state_to and states.is_valid
),

-- a refund or cancellation changes what earlier orders count for: from that day on another regime holds
regime_starts as (
    select
        customer_key,
        date '-infinity' as regime_from
    from changed
    union
    select
        ledger.customer_key,
        ledger.event_on as regime_from
    from {{ ref('int_ledger') }} as ledger
    inner join changed on ledger.customer_key = changed.customer_key
    where ledger.event_type <> 'order'
),

regimes as (
    select
        customer_key,
        regime_from,
        lead(regime_from, 1, date 'infinity') over (partition by customer_key order by regime_from) as regime_to
    from regime_starts
),

-- the order-days of a customer as each regime sees them
order_days as (
    select
        regimes.customer_key,
        regimes.regime_from,
        regimes.regime_to,
        states.ordered_on as touch_on,
        states.ordered_on as order_on,
        cast(sum(states.net_amount) as double precision) as amount
    from regimes
    inner join states
        on
            regimes.customer_key = states.customer_key
            and regimes.regime_to > states.state_from
            and regimes.regime_from < states.state_to
    group by regimes.customer_key, regimes.regime_from, regimes.regime_to, states.ordered_on
),

known_touches as (
    select
        regimes.*,
        greatest(regimes.regime_from, changed.known_on) as touch_on
    from regimes
    inner join changed on regimes.customer_key = changed.customer_key
    where
        regimes.regime_from > date '-infinity'
        or changed.known_on < regimes.regime_to
    union
    select
        regimes.*,
        events.event_on as touch_on
    from regimes
    inner join {{ ref('int_events') }} as events
        on
            regimes.customer_key = events.customer_key
            and regimes.regime_from <= events.event_on
            and regimes.regime_to > events.event_on
),

int_touches as (
    select
        coalesce(order_days.customer_key, known_touches.customer_key) as customer_key,
        coalesce(order_days.regime_from, known_touches.regime_from) as regime_from,
        coalesce(order_days.regime_to, known_touches.regime_to) as regime_to,
        coalesce(order_days.touch_on, known_touches.touch_on) as touch_on,
        order_days.order_on,
        coalesce(order_days.amount, 0) as amount
    from order_days
    full outer join known_touches
        on
            order_days.customer_key = known_touches.customer_key
            and order_days.regime_from = known_touches.regime_from
            and order_days.touch_on = known_touches.touch_on
)

select * from int_touches
