{% set points = ('before', 'start', 'now') %}

with
points as (
    select
        totals.*,
        totals.order_days as days_now,
        totals.order_days_365 as days_365_now,
        coalesce(totals.counted_revenue, 0) as spend_now,
        customers.known_on
    from {{ ref('dim_customers') }} as customers
    inner join {{ ref('int_order_totals') }} as totals on customers.customer_key = totals.customer_key
),

-- in a shop's first quarter there are none yet
thresholds as (
    select * from {{ ref('quadrant_thresholds') }}
    where quarter = {{ quadrant_day('start') }}
),

valued as (
    select
        {% for point in points %}
            points.days_{{ point }},
            points.days_365_{{ point }},
            {{ shrunk_order_value('points.days_' ~ point, 'points.spend_' ~ point, 'thresholds.order_value') }}
                as order_value_{{ point }},
        {% endfor %}
        points.customer_key,
        points.known_on,
        thresholds.min_order_days,
        thresholds.min_order_value
    from points
    left join thresholds on true
    {{ computed_once() }}
),

placed as (
    select
        *,
        {{ quadrant('before') }} as quadrant_before,
        {{ quadrant('start') }} as quadrant_start,
        {{ quadrant('now') }} as quadrant
    from valued
    {{ computed_once() }}
),

customer_quadrant as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        {{ quadrant_day('start') }} as quarter,
        days_365_now as order_days_365,
        case when days_now > 0 then order_value_now end as shrunk_order_value,
        quadrant_before,
        quadrant_start,
        quadrant,
        concat_ws('>', quadrant_before, quadrant_start, quadrant) as path
    from placed
)

select * from customer_quadrant
