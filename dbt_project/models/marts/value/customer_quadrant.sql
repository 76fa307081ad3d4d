{% set points = ('before', 'start', 'now') %}

with
points as (
    select * from {{ ref('int_quadrant_points') }}
),

-- in a shop's first quarter there are none yet
thresholds as (
    select * from {{ ref('quadrant_thresholds') }}
    where quarter = {{ quadrant_day('start') }}
),

valued as (
    select
        points.*,
        {% for point in points %}
            {{ shrunk_order_value('points.days_' ~ point, 'points.spend_' ~ point, 'thresholds.order_value') }}
                as order_value_{{ point }},
        {% endfor %}
        thresholds.min_order_days,
        thresholds.min_order_value
    from points
    left join thresholds on true
),

placed as (
    select
        *,
        {{ quadrant('before') }} as quadrant_before,
        {{ quadrant('start') }} as quadrant_start,
        {{ quadrant('now') }} as quadrant
    from valued
),

customer_quadrant as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        {{ quadrant_day('start') }} as quarter,
        days_365_now as order_days_365,
        case when days_now > 0 then order_value_now end as order_value,
        quadrant_before,
        quadrant_start,
        quadrant,
        concat_ws('>', quadrant_before, quadrant_start, quadrant) as path
    from placed
)

select * from customer_quadrant
