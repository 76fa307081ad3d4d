{% set trend = var('trend') %}
{% set types = var('events') %}

{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook=[
        "{{ in_full_only_with(['int_changed_customers', 'int_touches']) }}",
        "{{ forget_retired_customers('episode_to') }}",
    ],
    post_hook=[
        "{{ index_what_was_built('facts_hash, last_order_on, cycle_days', 'episode_to') }}",
        "truncate {{ ref('int_changed_customers') }}, {{ ref('int_touches') }}",
        {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    ],
    indexes=[{'columns': ['customer_key', 'episode_on']}]
) }}

-- One query, so that one sort serves every window: the days of a customer, within the regime that holds on them.
with
touches as (
    select * from {{ ref('int_touches') }}
),

-- everything a touch sees
seen as (
    select
        *,
        count(order_on) over so_far as orders,
        min(order_on) over so_far as first_order_on,
        max(order_on) over so_far as last_order_on,
        sum(amount) over so_far as spend,
        {% if var('uses_recent_spend') %}
            sum(amount) over (so_far range between interval '364 days' preceding and current row)
        {% else %}
            cast(null as double precision)
        {% endif %} as recent_spend,
        {% for type in types %}
            max({{ type }}_mark) over so_far as {{ type }}_latest,
        {% endfor %}
        max(order_on) over (so_far rows between unbounded preceding and 1 preceding) as previous_order_on,
        -- a regime ends where the next one begins, which is a touch
        coalesce(lead(touch_on) over so_far, regime_to) as episode_to
    from touches
    window so_far as (partition by customer_key, regime_from order by touch_on)
),

gaps as (
    select
        *,
        sum(ln(cast(order_on - previous_order_on as double precision))) over so_far as sum_of_log_gaps
    from seen
    window so_far as (partition by customer_key, regime_from order by touch_on)
),

-- the personal cycle: the log-mean of her gaps, pulled towards the population
paced as (
    select
        *,
        {{ population_value('order_value', 'touch_on') }} as order_value,
        {{ typical_gap(
            population_value('median_gap_days', 'touch_on'), 'sum_of_log_gaps', 'greatest(orders - 1, 0)'
        ) }} as cycle_days
    from gaps
),

framed as (
    select
        *,
        cast(floor(least(greatest(
            {{ trend.window_cycles }} * cycle_days, {{ trend.shortest_days }}
        ), {{ trend.longest_days }}) + 0.0000005) as integer) as window_days
    from paced
),

-- the days of the regime with their running totals: what was spent up to any day is one binary search away
recalled as (
    select
        *,
        array_agg(touch_on) over life as days,
        array_agg(spend) over life as spends,
        array_agg(orders) over life as order_counts
    from framed
    window
        life as (
            partition by customer_key, regime_from
            order by touch_on
            rows between unbounded preceding and unbounded following
        )
),

-- there is a trend once two windows fit between the first and the latest order
located as (
    select
        *,
        case
            when last_order_on - first_order_on >= 2 * window_days
                then array[
                    width_bucket(last_order_on - window_days, days),
                    width_bucket(last_order_on - 2 * window_days, days)
                ]
        end as ends
    from recalled
    where touch_on >= regime_from and touch_on < regime_to
    -- it leaves out no row, so no order is needed; here and below -- noqa: disable=AM09
    {{ computed_once() }}
),

measured as (
    select
        *,
        spend - spends[ends[1]] as spend_recent,
        spends[ends[1]] - spends[ends[2]] as spend_before,
        orders - order_counts[ends[1]] as orders_recent,
        order_counts[ends[1]] - order_counts[ends[2]] as orders_before
    from located
    {{ computed_once() }}
),

scored as (
    select
        *,
        (spend_recent - spend_before) / (spend_before + order_value / 2) as spend_change,
        (orders_recent - orders_before)
        / sqrt(cast(greatest(1, orders_recent + orders_before) as double precision)) as frequency_change
    from measured
    {{ computed_once() }}
),

int_episodes as (
    select
        customer_key,
        touch_on as episode_on,
        episode_to,
        case when order_on is null then 'event' else 'order' end as opened_by,
        orders,
        first_order_on,
        last_order_on,
        spend,
        cycle_days,
        window_days,
        -- a trend needs both: an effect on spend, and a change in frequency beyond chance
        case
            when ends is null then 'none'
            when
                spend_change <= {{ trend.spend_down }} and frequency_change <= -{{ trend.significance }}
                then 'down'
            when
                spend_change >= {{ trend.spend_up }} and frequency_change >= {{ trend.significance }}
                then 'up'
            else 'flat'
        end as trend,
        spend_change,
        frequency_change,
        facts_hash,
        recent_spend,
        {{ latest_events(types, 'events') }},
        {{ latest_events(types, 'scheduled') }}
    from scored
)

select * from int_episodes
