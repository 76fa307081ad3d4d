{{ config(materialized='view') }}

with
bought as (
    select * from {{ ref('int_customer_categories') }}
    where category is not null and order_days >= {{ var('value').offers.min_order_days }}
),

categories as (
    select * from {{ ref('category_cycles') }}
),

paced as (
    select
        bought.customer_key,
        bought.category,
        bought.order_days,
        bought.last_on,
        {{ typical_gap('categories.cycle_days', 'bought.sum_of_log_gaps', '(bought.order_days - 1)') }} as cycle_days
    from bought
    inner join categories on bought.category = categories.category
),

dated as (
    select
        *,
        last_on + cast(round(cycle_days) as integer) as replenish_on
    from paced
),

customer_category_replenishment as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        category,
        order_days,
        last_on as last_ordered_on,
        cast(round(cast(cycle_days as numeric), 2) as numeric(8, 2)) as cycle_days,
        replenish_on,
        replenish_on - {{ as_of() }} as days_left,
        replenish_on < {{ as_of() }} as is_overdue
    from dated
)

select * from customer_category_replenishment
