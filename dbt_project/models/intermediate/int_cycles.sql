{% set cycle = var('cycle') %}
{% set trend = var('trend') %}

with
touches as (
    select * from {{ ref('int_touches') }}
),

changed as (
    select * from {{ ref('int_changed_customers') }}
),

population as (
    {% for row in var('population') %}
        select
            date '{{ row.effective_from or "-infinity" }}' as effective_from,
            date '{{ row.effective_to or "infinity" }}' as effective_to,
            cast({{ row.median_gap_days }} as double precision) as median_gap_days,
            cast({{ row.order_value }} as double precision) as order_value
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- everything a touch sees: order-days up to it, within the regime that holds on its day
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
        max(order_on) over (so_far rows between unbounded preceding and 1 preceding) as previous_order_on
    from touches
    window so_far as (partition by customer_key, regime_from order by touch_on)
),

gaps as (
    select
        *,
        coalesce(sum(ln(cast(order_on - previous_order_on as double precision))) over so_far, 0) as sum_of_log_gaps
    from seen
    window so_far as (partition by customer_key, regime_from order by touch_on)
),

episodes as (
    select
        gaps.*,
        changed.facts_hash,
        population.order_value,
        least(greatest(
            exp(
                ({{ cycle.prior_weight }} * ln(population.median_gap_days) + gaps.sum_of_log_gaps)
                / ({{ cycle.prior_weight }} + greatest(gaps.orders - 1, 0))
            ),
            {{ cycle.shortest_days }}
        ), {{ cycle.longest_days }}) as cycle_days
    from gaps
    inner join changed on gaps.customer_key = changed.customer_key
    inner join population
        on gaps.touch_on >= population.effective_from and gaps.touch_on < population.effective_to
    where gaps.touch_on >= gaps.regime_from and gaps.touch_on < gaps.regime_to
),

int_cycles as (
    select
        customer_key,
        regime_from,
        touch_on as episode_on,
        case when order_on is null then 'event' else 'order' end as opened_by,
        orders,
        first_order_on,
        last_order_on,
        spend,
        recent_spend,
        cycle_days,
        order_value,
        cast(floor(least(greatest(
            {{ trend.window_cycles }} * cycle_days, {{ trend.shortest_days }}
        ), {{ trend.longest_days }}) + 0.0000005) as integer) as window_days,
        facts_hash
    from episodes
)

select * from int_cycles
