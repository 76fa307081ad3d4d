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
    where ordered_on > {{ as_of() }} - 365
),

totals as (
    select * from {{ ref('int_order_totals') }}
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

paced as (
    select
        customers.customer_key,
        customers.abc_tier,
        episodes.last_order_on,
        episodes.cycle_days,
        {{ loss_days('episodes.cycle_days') }} as loss_days
    from customers
    inner join episodes on customers.customer_key = episodes.customer_key
),

-- what an order of so many days ago counts for in her pace: of who is judged by more days the pace forgets as much more
-- slowly. In decimals, so that no sum depends on its order.
weights as (
    select
        spans.loss_days,
        day.ago,
        round(cast(exp(
            -day.ago * {{ loss.days }} / (spans.loss_days * cast({{ warning.risk.pace_days }} as double precision))
        ) as numeric), 6) as weight
    from (select distinct paced.loss_days from paced) as spans
    cross join lateral generate_series(0, spans.loss_days - 1) as day (ago)
),

spent as (
    select
        paced.customer_key,
        sum(orders.net_amount) as spent,
        sum(orders.net_amount * weights.weight) as weighted
    from paced
    inner join orders on paced.customer_key = orders.customer_key
    inner join weights
        on
            paced.loss_days = weights.loss_days
            and {{ as_of() }} - orders.ordered_on = weights.ago
    group by paced.customer_key
),

total as (
    select
        loss_days,
        cast(sum(weight) as double precision) / loss_days as weight
    from weights
    group by loss_days
),

-- Who spent nothing lately has nothing left to lose. pace_left is her pace as a share of what it was on average.
-- `offset 0`, here and below: a formula is computed once per row, not once per use. It leaves out no row, so no order
-- is needed -- noqa: disable=AM09
measured as (
    select
        paced.customer_key,
        paced.abc_tier,
        paced.loss_days,
        spent.spent,
        cast(greatest(spent.weighted, 0) as double precision)
        / cast(spent.spent as double precision) / total.weight as pace_left,
        forecasts.exp_orders_90d * forecasts.order_value / 90 * paced.loss_days
        / cast(spent.spent as double precision) as forecast_share,
        forecasts.p_no_order_{{ warning.reasons.no_order_days }}d as p_no_order,
        -- the mean: the median of who will rather not order is nothing, and she is the one to be warned of
        coalesce(
            forecasts.clv_365d,
            cast(greatest(totals.revenue_365, 0) * {{ var('value').margin }} as double precision)
        ) as worth,
        {{ as_of() }} - paced.last_order_on as silence_days,
        paced.cycle_days
    from paced
    inner join spent on paced.customer_key = spent.customer_key
    inner join total on paced.loss_days = total.loss_days
    left join totals on paced.customer_key = totals.customer_key
    left join forecasts on paced.customer_key = forecasts.customer_key
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
        cast(loss_days as integer) as loss_days,
        spent,
        silence_days,
        round(cast(cycle_days as numeric), 2) as cycle_days,
        round(cast(pace_left as numeric), 6) as pace_left,
        round(cast(p_no_order as numeric), 6) as p_no_order,
        round(cast(kept_share as numeric), 6) as kept_share,
        risk,
        cast(risk * cast(coalesce(worth, 0) as numeric) as numeric(18, 4)) as value_at_risk,
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
