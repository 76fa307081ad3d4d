{% set warning = var('value').early_warning %}
{% set loss = warning.loss %}

with
-- only who may be warned of is looked at
customers as (
    select * from {{ ref('customer_abc') }}
    where abc_tier in ('{{ warning.tiers | join("', '") }}')
),

orders as (
    select * from {{ ref('fct_orders') }}
    where ordered_on > {{ as_of() }} - {{ loss.days }}
),

forecasts as (
    select * from {{ ref('customer_clv') }}
),

-- her last episode knows her personal cycle, as her stages do; these columns an index has
episodes as (
    select
        customer_key,
        last_order_on,
        cycle_days
    from {{ ref('int_episodes') }}
    where episode_to = 'infinity'
),

-- what an order of so many days ago counts for in her pace; in decimals, so that no sum depends on its order
weights as (
    select
        day.ago,
        round(cast(exp(-day.ago / cast({{ warning.risk.pace_days }} as double precision)) as numeric), 6) as weight
    from generate_series(0, {{ loss.days - 1 }}) as day (ago)
),

spent as (
    select
        customers.customer_key,
        sum(orders.net_amount) as spent,
        sum(orders.net_amount * weights.weight) as weighted
    from customers
    inner join orders on customers.customer_key = orders.customer_key
    inner join weights on {{ as_of() }} - orders.ordered_on = weights.ago
    group by customers.customer_key
),

total as (
    select cast(sum(weight) as double precision) / {{ loss.days }} as weight from weights
),

-- Who spent nothing lately has nothing left to lose. pace_left is her pace as a share of what it was on average.
-- `offset 0`, here and below: a formula is computed once per row, not once per use. It leaves out no row, so no order
-- is needed -- noqa: disable=AM09
measured as (
    select
        customers.customer_key,
        customers.abc_tier,
        spent.spent,
        cast(greatest(spent.weighted, 0) as double precision)
        / cast(spent.spent as double precision) / total.weight as pace_left,
        forecasts.exp_orders_90d * forecasts.order_value / 90 * {{ loss.days }}
        / cast(spent.spent as double precision) as forecast_share,
        forecasts.p_no_order_{{ warning.reasons.no_order_days }}d as p_no_order,
        coalesce(forecasts.clv_365d_p50, customers.value_12m, 0) as worth,
        {{ as_of() }} - episodes.last_order_on as silence_days,
        episodes.cycle_days
    from customers
    inner join spent on customers.customer_key = spent.customer_key
    inner join episodes on customers.customer_key = episodes.customer_key
    left join forecasts on customers.customer_key = forecasts.customer_key
    cross join total
    where spent.spent > 0
    offset 0
),

-- what she keeps: forecast spend as a share of what she spent, the geometric mean of both forecasts; one alone if there
-- is no other
judged as (
    select
        *,
        coalesce(sqrt(pace_left * forecast_share), pace_left) as kept_share
    from measured
    offset 0
),

risky as (
    select
        *,
        round(cast({{ chance_of_loss('kept_share') }} as numeric), 6) as risk
    from judged
    offset 0
),

int_warning_signs as (
    select
        customer_key,
        abc_tier,
        spent,
        silence_days,
        round(cast(cycle_days as numeric), 2) as cycle_days,
        round(cast(pace_left as numeric), 6) as pace_left,
        round(cast(p_no_order as numeric), 6) as p_no_order,
        round(cast(kept_share as numeric), 6) as kept_share,
        risk,
        cast(risk * cast(worth as numeric) as numeric(18, 4)) as value_at_risk,
        nullif(concat_ws(
            ', ',
            case
                when
                    silence_days > greatest(
                        {{ warning.reasons.overdue_cycles }} * cycle_days, {{ warning.reasons.overdue_days }}
                    )
                    then 'overdue'
            end,
            case when pace_left <= {{ warning.reasons.pace_left }} then 'spend_falling' end,
            case when p_no_order >= {{ warning.reasons.no_order_chance }} then 'no_order_likely' end
        ), '') as reasons
    from risky
)

select * from int_warning_signs
