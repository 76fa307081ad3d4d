{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

{% set points = ('before', 'start') %}

with
-- what an earlier night said stands, whatever is known since; the first of all speaks of the quarter before its own too
{% if is_incremental() %}
    said as (
        select quarter from {{ this }}
    ),

{% endif %}
totals as not materialized (
    select * from {{ ref('int_order_totals') }}
),

-- what an order of the shop is worth, for those who have had few
shops as (
    select
        -- noqa: disable=LT02
        {% for point in points %}
            {% set buyers = 'filter (where days_365_' ~ point ~ ' > 0)' %}
            round(
                sum(spend_{{ point }}) {{ buyers }} / nullif(sum(days_{{ point }}) {{ buyers }}, 0), 4
            ) as order_value_{{ point }}{{ ',' if not loop.last }}
        {% endfor %}
    from totals
    where
        (days_365_before > 0 or days_365_start > 0)
        {% if is_incremental() %}
            and {{ quadrant_day('start') }} not in (select said.quarter from said)
        {% endif %}
),

-- one order is never frequent, also where most people order once
quadrant_thresholds as (
    {% for point in points %}
        {% set order_value = shrunk_order_value(
            'totals.days_' ~ point, 'totals.spend_' ~ point, 'shops.order_value_' ~ point
        ) %}
        select
            {{ as_of() }} as as_of,
            {{ quadrant_day(point) }} as quarter,
            count(*) as count_buyers,
            min(shops.order_value_{{ point }}) as order_value,
            cast(greatest(
                percentile_cont(0.5) within group (order by totals.days_365_{{ point }}), 2
            ) as numeric(18, 4)) as min_order_days,
            cast(percentile_cont(0.5) within group (order by {{ order_value }}) as numeric(18, 4)) as min_order_value
        from totals
        cross join shops
        where
            totals.days_365_{{ point }} > 0
            {% if is_incremental() %}
                {% if point == 'before' %}
                    and not exists (select said.quarter from said)
                {% else %}
                    and {{ quadrant_day(point) }} not in (select said.quarter from said)
                {% endif %}
            {% endif %}
        having count(*) > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from quadrant_thresholds
