{# a ref that a full build does without #}
{% set touched = ref('int_touched_customers') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_customers_of(ref('int_touched_customers')) }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['customer_key']}]
) }}

with
-- a night copies the little it needs; in full most orders are read once and written once
orders as {{ '' if is_incremental() else 'not' }} materialized (
    select
        input_orders.*,
        keys.customer_key
    from {{ ref('input_orders') }} as input_orders
    inner join {{ ref('int_customer_keys') }} as keys
        on
            input_orders.source = keys.source
            and input_orders.source_customer_id = keys.source_customer_id
    {% if is_incremental() %}
        where keys.customer_key in (select touched.customer_key from {{ touched }} as touched)
    {% endif %}
),

-- a cancellation gives back all that is left, so what is refunded after it is no money of ours; where more than was
-- paid had been given back before, nothing is left, and nobody pays it back
refunds as (
    select
        orders.customer_key,
        orders.ordered_on,
        refunds.*
    from {{ ref('input_refunds') }} as refunds
    inner join orders
        on
            refunds.source = orders.source
            and refunds.order_id = orders.order_id
    where orders.cancelled_on is null or refunds.refunded_on <= orders.cancelled_on
),

refunded_before as (
    select
        source,
        order_id,
        sum(amount) as amount
    from refunds
    group by source, order_id
),

ordered as (
    select
        customer_key,
        ordered_on as event_on,
        'order' as event_type,
        source,
        order_id,
        ordered_on,
        order_id as event_id,
        gross_amount as amount
    from orders
),

refunded as (
    select
        customer_key,
        refunded_on as event_on,
        'refund' as event_type,
        source,
        order_id,
        ordered_on,
        refund_id as event_id,
        -amount as amount
    from refunds
),

cancelled as (
    select
        orders.customer_key,
        orders.cancelled_on as event_on,
        'cancellation' as event_type,
        orders.source,
        orders.order_id,
        orders.ordered_on,
        orders.order_id as event_id,
        least(coalesce(refunded_before.amount, 0) - orders.gross_amount, 0) as amount
    from orders
    left join refunded_before
        on
            orders.source = refunded_before.source
            and orders.order_id = refunded_before.order_id
    where orders.cancelled_on is not null
),

int_ledger as (
    select * from ordered
    union all
    select * from refunded
    union all
    select * from cancelled
)

select * from int_ledger
