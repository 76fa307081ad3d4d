{#
  Formulas of customer value, as plugins/perennial/clv has them in Python (predict.py, value.py, blend.py); there is why
  they hold. Everything is double precision: numeric would take many times as long.
#}

{#
  exp() that neither under- nor overflows: where other languages give 0 or infinity, Postgres raises. Of null it is no
  null, since least and greatest pass over it.
#}
{% macro safe_exp(exponent) -%}
    exp(least(greatest({{ exponent }}, -400), 400))
{%- endmacro %}

{#
  P(alive): 1 / (1 + odds of having left). The recent rate never ends, nor does anybody where a is zero, and in BG/NBD
  (in contrast to MBG/NBD) nobody leaves after her first order.
#}
{% macro chance_alive() -%}
    case
        when share is null then null
        when share = 1 or a = 0 or (model = 'bg' and x = 0) then 1
        else 1 / (1 + {{ safe_exp(
            "ln(a) - ln(greatest(b + x + case model when 'mbg' then 0 else -1 end, 1e-300))"
            " + (r + x) * (ln(alpha + t) - ln(alpha + t_x))"
        ) }})
    end
{%- endmacro %}

{# P(an order within so many days | alive) of somebody whose rate is Gamma(shape, scale). #}
{% macro chance_to_order(shape, scale, days) -%}
    1 - {{ safe_exp("-" ~ shape ~ " * ln(1 + " ~ days ~ " / " ~ scale ~ ")") }}
{%- endmacro %}

{#
  What model and recent rate say, each by its weight. A part without weight has nothing to say. Null where nothing is
  known, since then both weights are.
#}
{% macro mixed(model, recent) -%}
    model_weight * coalesce({{ model }}, 0) + share * coalesce({{ recent }}, 0)
{%- endmacro %}

{# P(an order within so many days), for intervals within the memory; a part without weight is not worth computing. #}
{% macro mixed_chance_to_order(days, memory=false) -%}
    {%- set kept = " * kept" if memory else "" -%}
    {{ mixed(
        "case when share < 1 then "
        ~ chance_to_order("model_shape" ~ kept, "(model_scale" ~ kept ~ ")", days) ~ " end",
        "case when share > 0 then " ~ chance_to_order("recent_shape", "recent_scale", days) ~ " end"
    ) }}
{%- endmacro %}

{#
  The quantile of orders in 90 days: how many k have P(N >= k) > 1 - level. Of one part alone first: an array holds
  P(N <= k | alive) from k = 0, so it ascends and width_bucket finds the place by bisection.
#}
{% macro orders_quantiles_of_parts(levels) -%}
    {%- for name, level in levels.items() %}
    width_bucket(1 - {{ 1 - level }} / p_alive, model_cdf) as model_{{ name }},
    width_bucket(cast({{ level }} as double precision), recent_cdf) as recent_{{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro %}

{#
  Of the mixture: it lies between those of the parts; only the k between them, usually none or one, are looked at. By a
  function of sql/090_clv.sql, since a subquery here would keep the planner from parallel workers.
#}
{% macro orders_quantile(name, level) -%}
    {%- set one, other = "model_" ~ name, "recent_" ~ name -%}
    case
        when share is null then null
        when share = 0 or {{ one }} = {{ other }} then {{ one }}
        when share = 1 then {{ other }}
        else clv.orders_quantile(
            {{ 1 - level }}, model_weight, model_cdf, share, recent_cdf,
            least({{ one }}, {{ other }}), greatest({{ one }}, {{ other }})
        )
    end
{%- endmacro %}

{# E[S^2] / E[S]^2 of what she spends, S, in 365 days; times P(an order comes) it is that of S given one comes. #}
{% macro spread_of_value() -%}
    (exp_orders_365d * (1 + 1 / spend_p) + pairs_365d) / (exp_orders_365d * exp_orders_365d)
    * (greatest(spend_q + spend_p * valued_orders, 2.1) - 1) / (greatest(spend_q + spend_p * valued_orders, 2.1) - 2)
{%- endmacro %}

{# The quantile of CLV: zero with P(no order), else log-normal, its normal quantile by Tukey's lambda. #}
{% macro clv_quantile(level) -%}
    {%- set above = "(" ~ (1 - level) ~ " / comes_365d)" -%}
    case
        when clv_365d is null then null
        when comes_365d <= {{ 1 - level }} then 0
        else clv_365d / comes_365d * {{ safe_exp(
            "sqrt(log_spread) * (power(1 - " ~ above ~ ", 0.135) - power(" ~ above ~ ", 0.135)) / 0.1975"
            " - log_spread / 2"
        ) }}
    end
{%- endmacro %}

{# Days until her next order comes with probability `level`; null if it never does. #}
{% macro next_order_days(level) -%}
    case
        when {{ level }} < p_alive
            then next_scale * ({{ safe_exp("-ln(1 - " ~ level ~ " / p_alive) / next_shape") }} - 1)
    end
{%- endmacro %}

{# That day; a next order expected later than in ten years is none. The guard is that of Python, against rounding. #}
{% macro next_order_on(days) -%}
    case
        when {{ days }} <= 3650 + 1e-9 then {{ as_of() }} + cast(greatest(ceil({{ days }} - 1e-9), 1) as integer)
    end
{%- endmacro %}
