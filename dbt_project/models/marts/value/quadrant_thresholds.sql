with
points as (
    {% for point in ('before', 'start') %}
        select
            {{ quadrant_day(point) }} as quarter,
            days_{{ point }} as order_days,
            days_365_{{ point }} as order_days_365,
            spend_{{ point }} as spend
        from {{ ref('int_order_totals') }}
        where days_365_{{ point }} > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

shops as (
    select
        quarter,
        round(sum(spend) / sum(order_days), 4) as order_value
    from points
    group by quarter
),

valued as (
    select
        points.quarter,
        points.order_days_365,
        shops.order_value as shop_order_value,
        {{ shrunk_order_value('points.order_days', 'points.spend', 'shops.order_value') }} as order_value
    from points
    inner join shops on points.quarter = shops.quarter
),

-- one order is never frequent, also where most people order once
quadrant_thresholds as (
    select
        {{ as_of() }} as as_of,
        quarter,
        count(*) as count_buyers,
        min(shop_order_value) as order_value,
        cast(greatest(
            percentile_cont(0.5) within group (order by order_days_365), 2
        ) as numeric(18, 4)) as min_order_days,
        cast(percentile_cont(0.5) within group (order by order_value) as numeric(18, 4)) as min_order_value
    from valued
    group by quarter
)

select * from quadrant_thresholds
