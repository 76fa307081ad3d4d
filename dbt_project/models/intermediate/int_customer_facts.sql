with
ledger as (
    select * from {{ ref('int_ledger') }}
),

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

said as (
    select
        customer_key,
        md5(
            string_agg(
                concat_ws(',', event_on, event_type, source, order_id, event_id, ordered_on, amount), ';'
                order by event_on, event_type, source, order_id, event_id
            )
        ) as ledger_hash
    from ledger
    group by customer_key
),

happened as (
    select
        customer_key,
        md5(
            string_agg(concat_ws(',', event_type, event_on, scheduled_on), ';' order by event_type, event_on)
        ) as events_hash
    from {{ ref('int_events') }}
    group by customer_key
),

int_customer_facts as (
    select
        known.customer_key,
        known.known_on,
        md5(
            concat_ws(',', known.known_on, said.ledger_hash, happened.events_hash, {{ measures_hash() }})
        ) as facts_hash
    from known
    left join said on known.customer_key = said.customer_key
    left join happened on known.customer_key = happened.customer_key
)

select * from int_customer_facts
