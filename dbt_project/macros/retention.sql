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
