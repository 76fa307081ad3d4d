{# The night this build is for. Always an input, never the clock. #}
{% macro as_of() -%}
    cast('{{ var("as_of_date") }}' as date)
{%- endmacro %}

{# The business day of a moment: a day of the business's zone, starting at its cut-off hour. #}
{% macro business_day(moment) -%}
    cast(
        ({{ moment }} at time zone '{{ var("business_timezone") }}')
        - interval '{{ var("day_starts_at_hour") }} hours' as date
    )
{%- endmacro %}

{# The first day of a day's month. #}
{% macro month_of(day) -%}
    cast(date_trunc('month', cast({{ day }} as timestamp)) as date)
{%- endmacro %}

{# How many months one month comes after another. #}
{% macro months_since(earlier, month) -%}
    cast(
        (extract(year from {{ month }}) - extract(year from {{ earlier }})) * 12
        + extract(month from {{ month }}) - extract(month from {{ earlier }}) as integer
    )
{%- endmacro %}

{# Whether the night has seen the whole month that begins on this day. #}
{% macro month_is_over(month) -%}
    cast({{ month }} + interval '1 month' as date) <= {{ as_of() }} + 1
{%- endmacro %}

{#
  The typical gap in days: the log-mean of somebody's own gaps, pulled towards `usual`, the gap of others, and bounded as
  config/lifecycle.yml says. Without gaps of her own it is the usual one.
#}
{% macro typical_gap(usual, sum_of_log_gaps, gaps) -%}
    {%- set cycle = var('cycle') -%}
    least(greatest(
        exp(
            ({{ cycle.prior_weight }} * ln({{ usual }}) + coalesce({{ sum_of_log_gaps }}, 0))
            / ({{ cycle.prior_weight }} + {{ gaps }})
        ),
        {{ cycle.shortest_days }}
    ), {{ cycle.longest_days }})
{%- endmacro %}
