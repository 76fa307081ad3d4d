with
episodes as (
    select * from {{ ref('int_episodes') }}
    where episode_on <= {{ as_of() }}
),

-- orders as they counted at the time: one that was cancelled later has been the first all the same
int_first_orders as (
    select
        customer_key,
        cast(date_trunc('month', cast(min(first_order_on) as timestamp)) as date) as cohort_month,
        min(first_order_on) as first_order_on,
        min(episode_on) filter (where orders >= 2) as second_order_on
    from episodes
    group by customer_key
    having min(first_order_on) is not null
)

select * from int_first_orders
