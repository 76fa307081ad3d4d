{#
  What is measured, in the order of the file: all marketing together against who is held out everywhere, named *, and
  every marketing audience against who is held out of it. Shares are in ten thousandths, as buckets are drawn.
#}
{% macro measured() -%}
    {%- set all_marketing = {
        'audience': '*', 'label_en': 'All marketing', 'label_zh': '全部营销', 'holdout': var('holdout').universal,
        'effect_days': var('holdout').effect_days
    } -%}
    {{ rows_of([all_marketing] + var('audiences') | selectattr('is_marketing') | list, {
        'audience': 'text', 'label_en': 'text', 'label_zh': 'text', 'holdout': 'integer', 'effect_days': 'integer'
    }) }}
{%- endmacro %}

{# Sum of products of what two measures of an arm differ from their means; exact, since the sums are. #}
{% macro co_moment(sum_of_products, one, other, people) -%}
    cast({{ sum_of_products }} - {{ one }} * {{ other }} / nullif({{ people }}, 0) as double precision)
{%- endmacro %}

{# Sum of squares of an arm that is left of the value when theta times the value before is taken off. #}
{% macro residual(arm) -%}
    greatest(yy_{{ arm }} - 2 * theta * xy_{{ arm }} + theta * theta * xx_{{ arm }}, 0)
{%- endmacro %}

{#
  Squared standard error of a difference of two means, of each arm's sum of squares: the larger of two. With a variance
  for each arm, a small arm that by chance got none of the few who spend much is too sure of itself; with one for both,
  an effect that makes people more alike is. `spent` is how many numbers were estimated before.
#}
{% macro error_squared(treated, held, spent) -%}
    greatest(
        {{ treated }} / nullif(count_treated - 1, 0) / nullif(count_treated, 0)
        + {{ held }} / nullif(count_held - 1, 0) / nullif(count_held, 0),
        ({{ treated }} + {{ held }}) / nullif(greatest(count_treated + count_held - {{ spent }}, 0), 0)
        * (1 / nullif(cast(count_treated as double precision), 0) + 1 / nullif(cast(count_held as double precision), 0))
    )
{%- endmacro %}

{# Of a chi-square with one degree of freedom, and so of a squared normal deviate: how often it is at least as large. #}
{% macro upper_tail(chi_square) -%}
    erfc(sqrt(({{ chi_square }}) / 2))
{%- endmacro %}

{#
  How many standard errors an effect must be away from zero so that, whichever nights one looks, all of them together
  show an effect that is none at most once in twenty times: the margin of an asymptotic confidence sequence. It is
  tightest, 3.0, at 100 pairs of customers (7.936 is where it is for 95 %), and grows with the logarithm.
#}
{% macro any_night_errors(treated, held) -%}
    {%- set people = "nullif(" ~ treated ~ " + " ~ held ~ ", 0)" -%}
    {%- set pairs = "(" ~ treated ~ " * cast(" ~ held ~ " as double precision) / " ~ people ~ ")" -%}
    {%- set times = "(" ~ pairs ~ " * 7.936 / 100)" -%}
    sqrt((1 + 1 / nullif({{ times }}, 0)) * ln((1 + {{ times }}) / 0.0025))
{%- endmacro %}

{# Standard errors that an effect must be large for a verdict in four of five cases. #}
{% macro detectable_errors(treated, held) -%}
    ({{ any_night_errors(treated, held) }} + 0.841621)
{%- endmacro %}

{# With fewer in an arm no verdict is given. #}
{% macro fewest_in_arm() -%}
    30
{%- endmacro %}
