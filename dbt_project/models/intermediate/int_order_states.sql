with
ledger as (
    select * from {{ ref('int_ledger') }}
),

days as (
    select
        customer_key,
        source,
        order_id,
        ordered_on,
        event_on,
        sum(amount) as amount,
        bool_or(event_type = 'cancellation') as is_cancelled,
        bool_or(event_type = 'order' and amount > 0) as is_bought
    from ledger
    group by customer_key, source, order_id, ordered_on, event_on
),

-- an order counts while something of what was paid is left: not cancelled, and refunded for less than it cost
int_order_states as (
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
)

select * from int_order_states
