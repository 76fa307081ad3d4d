{# A bound of the Wilson 95 % interval of a share, `side` is '-' (lower) or '+' (upper); null without trials. #}
{% macro wilson(successes, trials, side) -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as double precision), 0)" -%}
    {%- set p = "(" ~ successes ~ " / " ~ n ~ ")" -%}
    {%- set z = 1.959964 -%}
    {%- set half = z ~ " * sqrt(" ~ p ~ " * (1 - " ~ p ~ ") / " ~ n ~ " + " ~ z * z / 4 ~ " / " ~ n ~ " / " ~ n ~ ")" -%}
    round(cast(({{ p }} + {{ z * z / 2 }} / {{ n }} {{ side }} {{ half }}) / (1 + {{ z * z }} / {{ n }}) as numeric), 6)
{%- endmacro %}

{#
  The Kaplan-Meier median: the first day by which half are over, counting who is not over yet among those at risk only as
  long as she was watched. One row per group that gets there; none while more than half go on.
  `durations` has the columns `by`, days, count_all (how many were watched for that long) and count_over (how many of
  them ended on that day).
#}
{% macro median_days(durations, by) -%}
    {%- set group = by | join(', ') -%}
    with
    at_risk as (
        select
            *,
            cast(sum(count_all) over (partition by {{ group }} order by days desc) as double precision) as count_at_risk
        from {{ durations }}
    ),

    surviving as (
        select
            *,
            case
                when count_over = count_at_risk then 0
                else exp(sum(ln(nullif(1 - count_over / count_at_risk, 0))) over (
                    partition by {{ group }}
                    order by days
                ))
            end as share
        from at_risk
    )

    select
        {{ group }},
        min(days) as median_days
    from surviving
    where share <= 0.5 + 1e-9
    group by {{ group }}
{%- endmacro %}

{# The first month's first day that is not before `day`. #}
{% macro first_month_from(day) -%}
    cast(date_trunc('month', cast({{ day }} - 1 as timestamp)) + interval '1 month' as date)
{%- endmacro %}

{#
  Counts per lifecycle model, month, from_stage and to_stage out of rows that say by how much a count changes in a month
  (`delta`) and keeps that change. So a stay of any length costs two rows, not one a month.
#}
{% macro running_counts(deltas) -%}
    with
    changes as (
        select
            lifecycle_model,
            from_stage,
            to_stage,
            month,
            sum(delta) as delta
        from {{ deltas }}
        group by lifecycle_model, from_stage, to_stage, month
    ),

    months as (
        select
            lifecycle_model,
            from_stage,
            to_stage,
            cast(generate_series(min(month), max(month), interval '1 month') as date) as month
        from changes
        group by lifecycle_model, from_stage, to_stage
    ),

    running as (
        select
            months.*,
            cast(sum(coalesce(changes.delta, 0)) over (
                partition by months.lifecycle_model, months.from_stage, months.to_stage
                order by months.month
            ) as bigint) as count_customers
        from months
        left join changes
            on
                months.lifecycle_model = changes.lifecycle_model
                and months.from_stage = changes.from_stage
                and months.to_stage = changes.to_stage
                and months.month = changes.month
    )

    select *
    from running
    where count_customers > 0
{%- endmacro %}

{# How far ahead stages are forecast. #}
{% macro forecast_days() -%}
    90
{%- endmacro %}
