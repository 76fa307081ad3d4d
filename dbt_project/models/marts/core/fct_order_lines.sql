{# refs that a night or a full build does without #}
{% set changed = ref('int_changed_lines') %}
{% set input_lines = ref('input_order_lines') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook=["{{ forget_changed_lines() }}", "{{ forget_categories_of_changed_lines() }}"],
    post_hook=[
        "{{ count_products_of_lines() }}",
        {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    ],
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
        {{ newest_version('order_lines', ['order_id', 'line_no'], version='changed_at', asked='orders') }}
    ),
{% else %}
    orders as (
        select * from {{ ref('fct_orders') }}
    ),

    order_lines as (
        select * from {{ input_lines }}
    ),
{% endif %}

added_up as (
    select
        *,
        sum(amount) over (partition by source, order_id order by line_no rows unbounded preceding) as amount_so_far
    from order_lines
),

-- lines are in the currency of their order; what is converted as running totals adds up to the order as converted
lines as (
    select
        orders.*,
        added_up.line_no,
        added_up.product_id,
        {{ tidy('added_up.category') }} as category,
        added_up.quantity,
        case
            when orders.exchange_rate is null then added_up.amount
            else
                round(added_up.amount_so_far * orders.exchange_rate, 4)
                - round((added_up.amount_so_far - added_up.amount) * orders.exchange_rate, 4)
        end as amount,
        case
            when orders.exchange_rate is null then added_up.amount_so_far
            else round(added_up.amount_so_far * orders.exchange_rate, 4)
        end as amount_so_far,
        orders.net_amount / nullif(orders.gross_amount, 0) as share_left
    from added_up
    inner join orders
        on
            added_up.source = orders.source
            and added_up.order_id = orders.order_id
),

-- differences of rounded running totals, so that the lines of an order add up to what is left of it
fct_order_lines as (
    select
        customer_key,
        source,
        order_id,
        line_no,
        ordered_on,
        product_id,
        category,
        cast(quantity as numeric(18, 4)) as quantity,
        cast(amount as numeric(18, 4)) as gross_amount,
        cast(
            case
                when cancelled_on is not null then 0
                when net_amount = gross_amount or share_left is null then amount
                else round(share_left * amount_so_far, 4) - round(share_left * (amount_so_far - amount), 4)
            end as numeric(18, 4)
        ) as net_amount,
        currency,
        is_valid
    from lines
)

select * from fct_order_lines
