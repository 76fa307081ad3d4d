{% set recent = var('value').recent_days %}
{% set points = ('before', 'start') %}
{% set steps = 5 %}

{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_customers_of(ref('int_changed_days')) }}",
    post_hook="truncate {{ ref('int_changed_days') }}",
    indexes=[{'columns': ['customer_key'], 'unique': true}]
) }}

with
{% if is_incremental() %}
    -- nobody else's totals can have changed
    stale as (
        select customer_key
        from {{ ref('int_changed_days') }}
        union all
        select customer_key
        from {{ this }}
        where holds_until <= {{ as_of() }} or quarter <> {{ quadrant_day('start') }}
    ),

    -- an array is looked up by the index, customer by customer; a join would read everybody
    days as (
        select * from {{ ref('int_customer_days') }}
        where customer_key = any(array(select stale.customer_key from stale))
    ),
{% else %}
    days as (
        select * from {{ ref('int_customer_days') }}
    ),
{% endif %}

-- most days are worth today what they were worth when the quarter, and the one before, began
worth as (
    select
        days.*,
        days.counted_revenue is not null as counts,
        -- noqa: disable=LT02
        {% for point in points %}
            case
                when revised.customer_key is not null then revised.net_{{ point }}
                when days.day < {{ quadrant_day(point) }} then days.counted_revenue
            end as net_{{ point }}{{ ',' if not loop.last }}
        {% endfor %}
    from days
    left join {{ ref('int_revised_days') }} as revised
        on
            days.customer_key = revised.customer_key
            and days.day = revised.ordered_on
),

-- several orders of one day are one: the models count days on which she ordered
int_order_totals as (
    select
        customer_key,
        sum(net_revenue) as net_revenue,
        sum(net_revenue) filter (where day > {{ as_of() }} - 365) as revenue_365,
        sum(counted_revenue) as counted_revenue,
        min(day) filter (where counts) as first_order_on,
        {% for step in range(2, steps + 2) %}
            min(day) filter (where counts and order_number = {{ step }}) as order_{{ step }}_on,
        {% endfor %}
        max(day) filter (where counts) as last_order_on,
        cast(count(counted_revenue) as integer) as order_days,
        round(sum(net_revenue) / nullif(count(counted_revenue), 0), 4) as order_value,
        cast(count(counted_revenue) filter (where day > {{ as_of() }} - 365) as integer) as order_days_365,
        cast(count(counted_revenue) filter (where day > {{ as_of() }} - {{ recent }}) as integer) as order_days_recent,
        cast(count(*) filter (where counted_revenue > 0) as integer) as valued_orders,
        cast(avg(counted_revenue) filter (where counted_revenue > 0) as double precision) as mean_value,
        least(
            min(day) filter (where net_revenue is not null and day > {{ as_of() }} - 365) + 365,
            min(day) filter (where net_revenue is not null and day > {{ as_of() }} - {{ recent }}) + {{ recent }}
        ) as holds_until,
        {% for point in points %}
            count(net_{{ point }}) as days_{{ point }},
            count(net_{{ point }}) filter (where day >= {{ quadrant_day(point) }} - 365) as days_365_{{ point }},
            coalesce(sum(net_{{ point }}), 0) as spend_{{ point }},
        {% endfor %}
        {{ quadrant_day('start') }} as quarter,
        min(built_from) as built_from
    from worth
    group by customer_key
)

select * from int_order_totals
