{{ config(materialized='view') }}

with
order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

orders as (
    select * from {{ ref('input_orders') }}
),

input_order_lines as (
    select
        order_lines.source,
        order_lines.order_id,
        order_lines.line_no,
        order_lines.product_id,
        order_lines.category,
        cast(order_lines.quantity as numeric(18, 4)) as quantity,
        cast(order_lines.amount as numeric(18, 4)) as amount
    from order_lines
    inner join orders
        on
            order_lines.source = orders.source
            and order_lines.order_id = orders.order_id
)

select * from input_order_lines
