{# What is told of a cohort in a month, out of its sums; `cohort` are the columns that tell cohorts apart. #}
{% macro cohort_measures(cohort) -%}
    {%- set so_far = "over (partition by " ~ cohort | join(", ") ~ " order by month)" -%}
    cast(count_customers as bigint) as count_customers,
    cast(count_active as bigint) as count_active,
    round(count_active / nullif(count_customers, 0), 6) as retention_share,
    cast(count_orders as bigint) as count_orders,
    cast(net_revenue as numeric(18, 4)) as net_revenue,
    cast(cash_revenue as numeric(18, 4)) as cash_revenue,
    cast(sum(net_revenue) {{ so_far }} as numeric(18, 4)) as net_revenue_cum,
    cast(sum(cash_revenue) {{ so_far }} as numeric(18, 4)) as cash_revenue_cum,
    round(sum(net_revenue) {{ so_far }} / nullif(count_customers, 0), 4) as net_revenue_per_customer,
    round(sum(cash_revenue) {{ so_far }} / nullif(count_customers, 0), 4) as cash_revenue_per_customer,
    coalesce({{ month_is_over('month') }}, false) as is_mature
{%- endmacro %}

{#
  What the days of persons add up to, by cohort, source and month; with '-' what is gone with them. The first order-day of
  a month makes its person active in it, so nobody is counted twice.
#}
{% macro sums_by_month(days, sign='') -%}
    select
        cohort_month,
        acquisition_source,
        month,
        {{ sign }}count(*) as count_days,
        {{ sign }}count(*) filter (
            where counted_revenue is not null and (days_since_order is null or day - days_since_order < month)
        ) as count_active,
        {{ sign }}sum(count_orders) as count_orders,
        -- first orders are few, so it is they that are summed, not all others
        {{ sign }}(
            sum(count_orders) - coalesce(sum(count_orders) filter (where order_number = 1), 0)
        ) as count_repeat_orders,
        {{ sign }}coalesce(sum(net_revenue), 0) as net_revenue,
        {{ sign }}(coalesce(sum(net_revenue), 0) - coalesce(sum(net_revenue) filter (
            where order_number = 0 or (order_number = 1 and counted_revenue is not null)
        ), 0)) as repeat_revenue,
        {{ sign }}sum(cash_revenue) as cash_revenue
    from (
        select
            *,
            {{ month_of('day') }} as month
        from {{ days }}
        where cash_revenue is not null
    ) as days
    group by cohort_month, acquisition_source, month
{%- endmacro %}

{#
  Before and after the days of those who changed are written anew, notes what int_cohort_months has to subtract and to
  add: in the same transaction, so that nothing is noted twice or missed, whenever a night ends. Where all days are new,
  int_cohort_months counts them all again.
#}
{% macro note_changed_months(sign) -%}
    {%- set changes, changed = ref('int_changed_months'), ref('int_changed_days') -%}
    {%- set months = as_built('intermediate', 'int_cohort_months', keep_on_full_refresh=true) -%}
    {%- set written = "select * from " ~ this ~ " where customer_key = any(array(select customer_key from " ~ changed ~ "))" -%}
    {% if is_incremental() %}
        insert into {{ changes }}
        {{ sums_by_month("(" ~ written ~ ") as written", sign) }}
    {% elif months %}
        truncate {{ months }}
    {% endif %}
{%- endmacro %}
