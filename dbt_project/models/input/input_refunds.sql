{% set own = var('currency') %}

with
refunds as (
    select * from {{ ref('stg_refunds') }}
),

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
