{{ config(materialized='view') }}

-- the last row of everybody's episodes is what is known of her tonight
with
episodes as (
    select * from {{ ref('int_episodes') }}
    where episode_to = 'infinity' and last_order_on is not null
),

dated as (
    select
        *,
        last_order_on + cast(round(cycle_days) as integer) as replenish_on
    from episodes
),

customer_replenishment as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        cast(orders as integer) as order_days,
        last_order_on as last_ordered_on,
        cast(round(cast(cycle_days as numeric), 2) as numeric(8, 2)) as cycle_days,
        replenish_on,
        replenish_on - {{ as_of() }} as days_left,
        replenish_on < {{ as_of() }} as is_overdue
    from dated
)

select * from customer_replenishment
