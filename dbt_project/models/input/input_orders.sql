{# refs that a full build, or a night, does without #}
{% set touched = ref('int_touched_orders') %}
{% set staged = ref('stg_orders') %}
{% set own = var('currency') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_touched_orders() }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[
        {'columns': ['order_id', 'source'], 'unique': true},
        {'columns': ['source_customer_id', 'source']},
    ]
) }}

with
orders as (
    {% if is_incremental() %}
        {{ staged_orders(asked=touched) }}
    {% else %}
        select * from {{ staged }}
    {% endif %}
),

-- what happens after the night stays invisible to it, also when it is already loaded
visible as (
    select
        source,
        order_id,
        customer_id as source_customer_id,
        ordered_at,
        ordered_on,
        case
            when cancelled_on <= {{ as_of() }} then greatest(cancelled_on, ordered_on)
        end as cancelled_on,
        amount,
        currency
    from orders
    where ordered_on <= {{ as_of() }}
),

-- an order for whose day there is no rate waits: see input_missing_rates
input_orders as (
    select
        source,
        order_id,
        source_customer_id,
        ordered_at,
        ordered_on,
        cancelled_on,
        cast(amount as numeric(18, 4)) as gross_amount,
        currency,
        cast(null as text) as original_currency,
        cast(null as numeric(18, 4)) as original_amount,
        cast(null as numeric(38, 16)) as exchange_rate
    from visible
    where currency = '{{ own }}'
    {% if var('other_currencies') %}
        union all
        select
            visible.source,
            visible.order_id,
            visible.source_customer_id,
            visible.ordered_at,
            visible.ordered_on,
            visible.cancelled_on,
            cast(visible.amount * rates.rate as numeric(18, 4)) as gross_amount,
            '{{ own }}' as currency,
            visible.currency as original_currency,
            cast(visible.amount as numeric(18, 4)) as original_amount,
            rates.rate as exchange_rate
        from visible
        inner join {{ ref('input_exchange_rates') }} as rates
            on
                visible.currency = rates.currency
                and visible.ordered_on = rates.day
        where visible.currency <> '{{ own }}'
    {% endif %}
)

select * from input_orders
