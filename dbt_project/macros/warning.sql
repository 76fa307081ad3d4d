{#
  P(she spends at most the share that is a loss), if what she keeps is log-logistic around its forecast: one half where
  the forecast is that share itself. The limits are far beyond every forecast; they keep power() within its range.
#}
{% macro chance_of_loss(kept_share) -%}
    {%- set warning = var('value').early_warning -%}
    1 / (1 + power(
        least(greatest({{ kept_share }} / {{ [warning.loss.share, 0.01] | max }}, 1e-9), 1e9),
        {{ warning.risk.certainty }}
    ))
{%- endmacro %}

{#
  Days in which a customer is judged to be lost: those of the settings, more where so many personal cycles are longer, a
  year at most. In 92 days somebody who orders every two months proves nothing by her silence.
#}
{% macro loss_days(cycle_days) -%}
    {%- set loss = var('value').early_warning.loss -%}
    least(greatest({{ loss.days }}, cast(ceil({{ loss.cycles }} * {{ cycle_days }}) as integer)), 365)
{%- endmacro %}
