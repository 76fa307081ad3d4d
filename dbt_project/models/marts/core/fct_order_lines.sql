{# refs that a night or a full build does without #}
{% set changed = ref('int_changed_lines') %}
{% set input_lines = ref('input_order_lines') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_changed_lines() }}",
    post_hook={'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    indexes=[{'columns': ['source', 'order_id', 'line_no'], 'unique': true}, {'columns': ['customer_key']}]
) }}

with
{% if is_incremental() %}
    orders as (
        select orders.*
        from {{ ref('fct_orders') }} as orders
        inner join {{ changed }} as changed on orders.customer_key = changed.customer_key
    ),

    order_lines as (
        {{ newest_version('order_lines', ['order_id', 'line_no'], version='changed_at', orders='orders') }}
    ),
{% else %}
    orders as (
        select * from {{ ref('fct_orders') }}
    ),

    order_lines as (
        select * from {{ input_lines }}
    ),
{% endif %}

lines as (
    select
        orders.customer_key,
        orders.source,
        orders.order_id,
        order_lines.line_no,
        orders.ordered_on,
        order_lines.product_id,
        {{ tidy('order_lines.category') }} as category,
        cast(order_lines.quantity as numeric(18, 4)) as quantity,
        cast(order_lines.amount as numeric(18, 4)) as gross_amount,
        orders.currency,
        orders.is_valid,
        orders.net_amount = 0 and orders.gross_amount <> 0 as is_given_back,
        -- of a partly refunded order: what is left of each cent paid
        case
            when orders.net_amount not in (0, orders.gross_amount)
                then orders.net_amount / nullif(orders.gross_amount, 0)
        end as share_left
    from order_lines
    inner join orders
        on
            order_lines.source = orders.source
            and order_lines.order_id = orders.order_id
),

-- differences of rounded running totals, so that the lines of an order add up to what is left of it
net as (
    select
        *,
        case when is_given_back then 0 else gross_amount end as net_amount
    from lines
    where share_left is null
    union all
    select
        *,
        round(share_left * sum(gross_amount) over so_far, 4)
        - round(share_left * (sum(gross_amount) over so_far - gross_amount), 4) as net_amount
    from lines
    where share_left is not null
    window so_far as (partition by source, order_id order by line_no rows unbounded preceding)
),

fct_order_lines as (
    select
        customer_key,
        source,
        order_id,
        line_no,
        ordered_on,
        product_id,
        category,
        quantity,
        gross_amount,
        cast(net_amount as numeric(18, 4)) as net_amount,
        currency,
        is_valid
    from net
)

select * from fct_order_lines
