{# refs that a full build, or a night, does without #}
{% set touched = ref('int_touched_orders') %}
{% set staged = ref('stg_refunds') %}
{% set own = var('currency') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_touched_orders() }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['order_id', 'source']}]
) }}

with
{% if is_incremental() %}
    -- every refund that ever was of such an order
    asked as (
        select
            versions.source,
            versions.refund_id
        from {{ source('raw', 'refunds') }} as versions
        inner join {{ touched }} as touched
            on
                versions.source = touched.source
                and versions.order_id = touched.order_id
    ),

    staged as (
        {{ staged_refunds(asked='asked') }}
    ),

    refunds as (
        select * from staged
        where exists (
            select 1 from {{ touched }} as touched
            where staged.source = touched.source and staged.order_id = touched.order_id
        )
    ),
{% else %}
    refunds as (
        select * from {{ staged }}
    ),
{% endif %}

orders as (
    select * from {{ ref('input_orders') }}
),

-- a refund cannot take effect before its order
visible as (
    select
        refunds.source,
        refunds.refund_id,
        refunds.order_id,
        orders.ordered_on,
        greatest(refunds.refunded_on, orders.ordered_on) as refunded_on,
        refunds.amount,
        refunds.currency
    from refunds
    left join orders
        on
            refunds.source = orders.source
            and refunds.order_id = orders.order_id
    where greatest(refunds.refunded_on, orders.ordered_on) <= {{ as_of() }}
),

-- converted as running totals: of what was given back in full, in however many parts, nothing is left
input_refunds as (
    select
        source,
        refund_id,
        order_id,
        refunded_on,
        cast(amount as numeric(18, 4)) as amount,
        currency
    from visible
    where currency = '{{ own }}'
    {% if var('other_currencies') %}
        union all
        select
            source,
            refund_id,
            order_id,
            refunded_on,
            cast(
                round(amount_so_far * rate, 4) - round((amount_so_far - amount) * rate, 4) as numeric(18, 4)
            ) as amount,
            '{{ own }}' as currency
        -- with the rate of the order's day
        from (
            select
                visible.*,
                rates.rate,
                sum(visible.amount) over (
                    partition by visible.source, visible.order_id, visible.currency
                    order by visible.refunded_on, visible.refund_id
                    rows unbounded preceding
                ) as amount_so_far
            from visible
            inner join {{ ref('input_exchange_rates') }} as rates
                on
                    visible.currency = rates.currency
                    and visible.ordered_on = rates.day
            where visible.currency <> '{{ own }}'
        ) as priced
    {% endif %}
)

select * from input_refunds
