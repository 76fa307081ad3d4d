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
