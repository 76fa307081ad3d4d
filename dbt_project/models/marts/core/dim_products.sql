with
-- a product can have had several categories, or none named in some lines
categories as (
    select
        source,
        product_id,
        category,
        max(ordered_on) as last_named_on,
        min(ordered_on) filter (where is_valid) as first_sold_on,
        max(ordered_on) filter (where is_valid) as last_sold_on,
        count(*) filter (where is_valid) as count_lines
    from {{ ref('fct_order_lines') }}
    where product_id is not null
    group by source, product_id, category
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, product_id
            order by (category is null) asc, last_named_on desc, category asc
        ) as place
    from categories
),

dim_products as (
    select
        source,
        product_id,
        max(category) filter (where place = 1) as category,
        min(first_sold_on) as first_sold_on,
        max(last_sold_on) as last_sold_on,
        cast(sum(count_lines) as bigint) as count_lines
    from ranked
    group by source, product_id
)

select * from dim_products
