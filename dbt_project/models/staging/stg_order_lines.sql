with
newest as (
    {{ newest_version('order_lines', ['order_id', 'line_no'], version='changed_at') }}
),

stg_order_lines as (
    select
        source,
        order_id,
        line_no,
        product_id,
        category,
        quantity,
        amount
    from newest
)

select * from stg_order_lines
