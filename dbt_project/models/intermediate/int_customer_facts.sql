{# a ref that a full build does without #}
{% set touched_customers = ref('int_touched_customers') %}

{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    tags='facts',
    pre_hook="{{ forget_customers_of(ref('int_touched_customers')) }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['customer_key'], 'unique': true}]
) }}

with
happened as (
    select
        customer_key,
        md5(
            string_agg(concat_ws(',', event_type, event_on, scheduled_on), ';' order by event_type, event_on)
        ) as events_hash
    from {{ ref('int_events') }}
    group by customer_key
),

{% if is_incremental() %}
    -- an event, or a denial, touches no order
    touched as (
        select customer_key from {{ touched_customers }}
        {% if var('events') %}
            union
            select coalesce(happened.customer_key, built.customer_key) as customer_key
            from happened
            full join {{ this }} as built on happened.customer_key = built.customer_key
            where happened.events_hash is distinct from built.events_hash
        {% endif %}
    ),

{% endif %}
keys as (
    select * from {{ ref('int_customer_keys') }}
    {% if is_incremental() %}
        where customer_key in (select touched.customer_key from touched)
    {% endif %}
),

known as (
    select
        customer_key,
        min(known_on) as known_on
    from keys
    group by customer_key
),

statements as (
    select
        customer_key,
        concat_ws(',', event_on, event_type, source, order_id, event_id, ordered_on, amount) as said
    from {{ ref('int_ledger') }}
    {% if is_incremental() %}
        where customer_key = any(array(select touched.customer_key from touched))
    {% endif %}
),

-- order plays no role in bit_xor, so nothing is sorted; two seeds make the fingerprint 128 bits wide
ledgers as (
    select
        customer_key,
        count(*) as count_rows,
        bit_xor(hashtextextended(said, 1)) as first_half,
        bit_xor(hashtextextended(said, 2)) as second_half
    from statements
    group by customer_key
),

int_customer_facts as (
    select
        known.customer_key,
        known.known_on,
        md5(
            concat_ws(
                ',', known.known_on, ledgers.count_rows, ledgers.first_half, ledgers.second_half, happened.events_hash,
                {{ measures_hash() }}
            )
        ) as facts_hash,
        happened.events_hash
    from known
    left join ledgers on known.customer_key = ledgers.customer_key
    left join happened on known.customer_key = happened.customer_key
)

select * from int_customer_facts
