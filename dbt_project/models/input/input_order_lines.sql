{{ config(materialized='view') }}

with
order_lines as (
    select * from {{ ref('stg_order_lines') }}
),

-- as they come: joined with their orders they would lose the order in which they can be added up
input_order_lines as (
    select
        source,
        order_id,
        line_no,
        product_id,
        category,
        cast(quantity as numeric(18, 4)) as quantity,
        cast(amount as numeric(18, 4)) as amount
    from order_lines
)

select * from input_order_lines
