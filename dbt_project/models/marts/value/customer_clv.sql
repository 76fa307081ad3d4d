{% set interval = {'p10': 0.1, 'p50': 0.5, 'p90': 0.9} %}
{% set next_order = {'p25': 0.25, 'p50': 0.5, 'p75': 0.75} %}

with
histories as (
    select * from {{ ref('int_order_histories') }}
),

-- At most one row: what tonight's customers are scored with. Nothing here or below leaves out a row, so no order is
-- needed -- noqa: disable=AM09
parameters as (
    select
        *,
        cast(margin as numeric) as margin_of_revenue
    from {{ source('clv', 'parameters') }}
    where as_of = {{ as_of() }}
    {{ computed_once() }}
),

of_model as (
    select * from {{ source('clv', 'alive_expectation') }}
    where part = 'model'
),

of_recent as (
    select * from {{ source('clv', 'alive_expectation') }}
    where part = 'recent'
),

-- reason: why nothing can be said about her, if so
known as (
    select
        histories.customer_key,
        coalesce(histories.net_revenue, 0) as historic_revenue,
        histories.x,
        histories.t_x,
        histories.t,
        histories.recent_x,
        histories.recent_t,
        histories.valued_orders,
        coalesce(histories.valued_orders * histories.mean_value, 0) as valued_revenue,
        parameters.model_used,
        parameters.fit_status,
        parameters.spend_status,
        parameters.model,
        parameters.r,
        parameters.alpha,
        parameters.a,
        parameters.b,
        parameters.memory_days,
        parameters.recent_share,
        parameters.recent_r,
        parameters.recent_alpha,
        nullif(parameters.spend_p, 0) as spend_p,
        parameters.spend_q,
        parameters.spend_v,
        parameters.margin,
        coalesce(parameters.margin_of_revenue, 1) as margin_of_revenue,
        of_model.orders_30 as model_orders_30,
        of_model.orders_90 as model_orders_90,
        of_model.orders_365 as model_orders_365,
        of_model.discounted_365 as model_discounted_365,
        of_model.pairs_365 as model_pairs_365,
        of_model.cdf_90 as model_cdf,
        of_recent.orders_30 as recent_orders_30,
        of_recent.orders_90 as recent_orders_90,
        of_recent.orders_365 as recent_orders_365,
        of_recent.discounted_365 as recent_discounted_365,
        of_recent.pairs_365 as recent_pairs_365,
        of_recent.cdf_90 as recent_cdf,
        case
            when histories.x is null then 'no_orders'
            when parameters.as_of is null then 'not_fitted'
            when parameters.fit_level = 'none' then parameters.fit_status
            when parameters.recent_share < 1 and of_model.x is null then 'not_fitted'
            when parameters.recent_share > 0 and of_recent.x is null then 'not_fitted'
        end as reason
    from histories
    left join parameters on true
    left join of_model
        on
            histories.x = of_model.x
            and histories.t = of_model.t
    left join of_recent
        on
            histories.recent_x = of_recent.x
            and histories.recent_t = of_recent.t
),

shared as (
    select
        *,
        case when reason is null then recent_share end as share
    from known
    {{ computed_once() }}
),

alive as (
    select
        *,
        {{ chance_alive() }} as p_alive,
        r + x as model_shape,
        alpha + t as model_scale,
        least(1, memory_days / (alpha + t)) as kept,
        recent_r + recent_x as recent_shape,
        recent_alpha + recent_t as recent_scale,
        case
            when share is not null
                then spend_p * (spend_v + valued_revenue) / (spend_p * valued_orders + spend_q - 1)
        end as order_value
    from shared
    {{ computed_once() }}
),

weighed as (
    select
        *,
        (1 - share) * p_alive as model_weight,
        case when share = 1 then recent_shape else model_shape end as next_shape,
        case when share = 1 then recent_scale else model_scale end as next_scale,
        {{ orders_quantiles_of_parts(interval) }}
    from alive
    {{ computed_once() }}
),

predicted as (
    select
        *,
        {% for days in (30, 90, 365) %}
            1 - ({{ mixed_chance_to_order(days) }}) as p_no_order_{{ days }}d,
            {{ mixed('model_orders_' ~ days, 'recent_orders_' ~ days) }} as exp_orders_{{ days }}d,
        {% endfor %}
        {% for name, level in interval.items() %}
            {{ orders_quantile(name, level) }} as exp_orders_90d_{{ name }},
        {% endfor %}
        {% for name, level in next_order.items() %}
            {{ next_order_days(level) }} as next_order_days_{{ name }},
        {% endfor %}
        {{ mixed('model_pairs_365', 'recent_pairs_365') }} as pairs_365d,
        {{ mixed_chance_to_order(365, memory=true) }} as comes_365d,
        ({{ mixed('model_discounted_365', 'recent_discounted_365') }}) * order_value * margin as clv_365d,
        cast(historic_revenue * margin_of_revenue as numeric(18, 4)) as historic_value
    from weighed
    {{ computed_once() }}
),

-- what no interval needs is not computed: where hardly anything is to come, squares would underflow
spread as (
    select
        *,
        case
            when comes_365d > {{ 1 - interval.p90 }}
                then ln(greatest({{ spread_of_value() }} * comes_365d, 1))
        end as log_spread
    from predicted
    {{ computed_once() }}
),

customer_clv as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        historic_revenue,
        historic_value,
        p_alive,
        p_no_order_30d,
        p_no_order_90d,
        p_no_order_365d,
        exp_orders_30d,
        exp_orders_90d,
        exp_orders_365d,
        exp_orders_90d_p10,
        exp_orders_90d_p50,
        exp_orders_90d_p90,
        order_value,
        clv_365d,
        {% for name, level in interval.items() %}
            {{ clv_quantile(level) }} as clv_365d_{{ name }},
        {% endfor %}
        -- who never ordered is worth what she was worth; of who did without a forecast the total is unknown
        historic_value + case when reason = 'no_orders' then 0 else clv_365d end as total_value,
        {% for name in next_order %}
            {{ next_order_on('next_order_days_' ~ name) }} as next_order_on_{{ name }},
        {% endfor %}
        case when reason is null then model_used else 'none' end as model_used,
        coalesce(reason, fit_status) as fit_status,
        coalesce(reason, spend_status) as spend_status
    from spread
)

select * from customer_clv
