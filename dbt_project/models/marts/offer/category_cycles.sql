with
bought as (
    select * from {{ ref('int_customer_categories') }}
    where category is not null
),

-- every customer with gaps counts the same, however often she buys; whole millionths, as the order of rows may differ
averaged as (
    select
        category,
        count(*) as count_customers,
        count(*) filter (where order_days > 1) as count_repeaters,
        cast(sum(order_days) as bigint) as count_order_days,
        cast(avg(cast(round(1e6 * sum_of_log_gaps / nullif(order_days - 1, 0)) as bigint)) as double precision)
        / 1e6 as mean_of_log_gaps
    from bought
    group by category
),

category_cycles as (
    select
        {{ as_of() }} as as_of,
        category,
        count_customers,
        count_repeaters,
        count_order_days,
        cast(round(cast(exp(mean_of_log_gaps) as numeric), 2) as numeric(8, 2)) as cycle_days
    from averaged
)

select * from category_cycles
