{{ config(materialized='view') }}

{% set changed = ref('int_changed_customers') %}

{% set at_night = as_built('intermediate', 'int_episodes') %}

with
-- a night copies the little it needs; in full it is read where it lies, three times
ledger as {{ '' if at_night else 'not' }} materialized (
    select ledger.*
    from {{ ref('int_ledger') }} as ledger
    {% if at_night %}
        inner join {{ changed }} as changed on ledger.customer_key = changed.customer_key
    {% endif %}
),

given_back as not materialized (
    select distinct
        source,
        order_id
    from ledger
    where event_type <> 'order'
),

-- most orders stay as they were made
kept as (
    select
        ledger.customer_key,
        ledger.source,
        ledger.order_id,
        ledger.ordered_on,
        ledger.event_on as state_from,
        date 'infinity' as state_to,
        ledger.amount as net_amount,
        ledger.amount > 0 as is_valid
    from ledger
    left join given_back
        on
            ledger.source = given_back.source
            and ledger.order_id = given_back.order_id
    where ledger.event_type = 'order' and given_back.order_id is null
),

days as (
    select
        ledger.customer_key,
        ledger.source,
        ledger.order_id,
        ledger.ordered_on,
        ledger.event_on,
        sum(ledger.amount) as amount,
        bool_or(ledger.event_type = 'cancellation') as is_cancelled,
        bool_or(ledger.event_type = 'order' and ledger.amount > 0) as is_bought
    from ledger
    inner join given_back
        on
            ledger.source = given_back.source
            and ledger.order_id = given_back.order_id
    group by ledger.customer_key, ledger.source, ledger.order_id, ledger.ordered_on, ledger.event_on
),

-- an order counts while something of what was paid is left: not cancelled, and refunded for less than it cost
changing as (
    select
        customer_key,
        source,
        order_id,
        ordered_on,
        event_on as state_from,
        lead(event_on, 1, date 'infinity') over life as state_to,
        sum(amount) over life as net_amount,
        bool_or(is_bought) over life
        and not bool_or(is_cancelled) over life
        and sum(amount) over life > 0 as is_valid
    from days
    window life as (partition by source, order_id order by event_on)
),

int_order_states as (
    select * from kept
    union all
    select * from changing
)

select * from int_order_states
