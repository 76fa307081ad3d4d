{#
  The values at which the scores 2 to 5 of a measure begin, ascending: fixed cuts, or fifths of all rows by the middle of
  the ranks that equal values share, so that equal values have one score whatever their number. In whole numbers, so that
  nothing is rounded. A score that nobody has begins where the next one does; those after the best of all are left out.
#}
{% macro where_scores_begin(measure, value, rows) -%}
    {%- set rfm = var('value').rfm -%}
    {%- if rfm.method == 'fixed' and measure in rfm.cuts -%}
        {%- set sign = '-' if measure == 'recency' else '' -%}
        {#- less is better of days only -#}
        {%- set cuts = rfm.cuts[measure] | sort(reverse=(sign == '-')) -%}
        select array[{% for cut in cuts %}{{ sign }}{{ cut }}{{ ', ' if not loop.last }}{% endfor %}]::double precision [] as begin_at
    {%- else -%}
        select
            array_remove(array[
                {%- for before in range(1, 5) %}
                min(value) filter (where 5 * (2 * count_upto - count_equal) > {{ 2 * before }} * count_buyers)
                {{- ',' if not loop.last }}
                {%- endfor %}
            ], null) as begin_at
        from (
            select
                {{ value }} as value,
                count(*) as count_equal,
                cast(sum(count(*)) over (order by {{ value }}) as bigint) as count_upto
            from {{ rows }}
            group by {{ value }}
        ) as ranked
        cross join middle
    {%- endif -%}
{%- endmacro %}

{#
  Days that frequency x order value is judged on, each the first one that is not counted any more: the beginning of the
  quarter before, of this quarter, and the end of the night.
#}
{% macro quadrant_day(point) -%}
    {%- if point == 'now' -%}
        ({{ as_of() }} + 1)
    {%- else -%}
        cast(
            date_trunc('quarter', cast({{ as_of() }} as timestamp))
            {%- if point == 'before' %} - interval '3 months'{% endif %} as date
        )
    {%- endif -%}
{%- endmacro %}

{# Net value of a day with an order; of who has fewer than three, the missing ones are worth what the shop's are. #}
{% macro shrunk_order_value(days, spend, order_value) -%}
    round(({{ spend }} + greatest(3 - {{ days }}, 0) * {{ order_value }}) / greatest({{ days }}, 3), 4)
{%- endmacro %}

{# Where a customer stands at a point; null before she is known. #}
{% macro quadrant(point) -%}
    case
        when known_on >= {{ quadrant_day(point) }} then null
        when days_{{ point }} = 0 then 'a'
        when days_365_{{ point }} >= min_order_days and order_value_{{ point }} >= min_order_value then 'e'
        when days_365_{{ point }} >= min_order_days then 'c'
        when order_value_{{ point }} >= min_order_value then 'd'
        else 'b'
    end
{%- endmacro %}

{# What is added up over the customers of a segment; one list, so that segmentations can be compared. #}
{% macro segment_totals() -%}
    cast(count(*) as bigint) as count_customers,
    cast(count(*) filter (where not is_prospect) as bigint) as count_buyers,
    cast(coalesce(sum(count_orders), 0) as bigint) as count_orders,
    cast(sum(historic_revenue) as numeric(18, 4)) as net_revenue,
    cast(sum(value_12m) as numeric(18, 4)) as value_12m,
    cast(sum(cast(clv_365d as numeric(18, 4))) as numeric(18, 4)) as clv_365d
{%- endmacro %}
