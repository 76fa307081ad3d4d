{% set trend = var('trend') %}

with
touches as (
    select * from {{ ref('int_touches') }}
),

-- two windows must fit between the first and the latest order
eligible as (
    select * from {{ ref('int_cycles') }}
    where last_order_on - first_order_on >= 2 * window_days
),

-- ask for the running total at the latest order and one and two windows before it
asked as (
    select
        eligible.customer_key,
        eligible.regime_from,
        eligible.episode_on,
        eligible.last_order_on - asked_for.windows_back * eligible.window_days as day,
        asked_for.windows_back
    from eligible
    cross join (values (0), (1), (2)) as asked_for (windows_back)
),

events as (
    select
        customer_key,
        regime_from,
        touch_on as day,
        amount,
        case when order_on is null then 0 else 1 end as orders,
        cast(null as date) as episode_on,
        cast(null as integer) as windows_back
    from touches
    union all
    select
        customer_key,
        regime_from,
        day,
        0 as amount,
        0 as orders,
        episode_on,
        windows_back
    from asked
),

-- one sort answers every question; peers of a day are included
running as (
    select
        customer_key,
        regime_from,
        episode_on,
        windows_back,
        sum(amount) over so_far as spend,
        sum(orders) over so_far as orders
    from events
    window so_far as (partition by customer_key, regime_from order by day)
),

answers as (
    select
        customer_key,
        episode_on,
        max(spend) filter (where windows_back = 0) as spend_0,
        max(spend) filter (where windows_back = 1) as spend_1,
        max(spend) filter (where windows_back = 2) as spend_2,
        max(orders) filter (where windows_back = 0) as orders_0,
        max(orders) filter (where windows_back = 1) as orders_1,
        max(orders) filter (where windows_back = 2) as orders_2
    from running
    where episode_on is not null
    group by customer_key, regime_from, episode_on
),

measured as (
    select
        answers.customer_key,
        answers.episode_on,
        answers.spend_0 - answers.spend_1 as spend_recent,
        answers.spend_1 - answers.spend_2 as spend_before,
        answers.orders_0 - answers.orders_1 as orders_recent,
        answers.orders_1 - answers.orders_2 as orders_before,
        eligible.order_value
    from answers
    inner join eligible
        on
            answers.customer_key = eligible.customer_key
            and answers.episode_on = eligible.episode_on
),

scored as (
    select
        customer_key,
        episode_on,
        (spend_recent - spend_before) / (spend_before + order_value / 2) as spend_change,
        (orders_recent - orders_before)
        / sqrt(cast(greatest(1, orders_recent + orders_before) as double precision)) as frequency_change
    from measured
),

-- a trend needs both: an effect on spend, and a change in frequency beyond chance
int_trends as (
    select
        *,
        case
            when
                spend_change <= {{ trend.spend_down }} and frequency_change <= -{{ trend.significance }}
                then 'down'
            when
                spend_change >= {{ trend.spend_up }} and frequency_change >= {{ trend.significance }}
                then 'up'
            else 'flat'
        end as trend
    from scored
)

select * from int_trends
