{% set built = as_built('intermediate', 'int_cohort_months') %}
{% set changes = ref('int_changed_months') %}
{% set counts = ['count_days', 'count_active', 'count_orders', 'count_repeat_orders'] %}
{% set sums = ['net_revenue', 'repeat_revenue', 'cash_revenue'] %}
{% set columns = (['cohort_month', 'acquisition_source', 'month'] + counts + sums) | join(', ') %}

{{ config(post_hook="truncate {{ ref('int_changed_months') }}") }}

with
{% if built %}
    -- none if they were summed up otherwise
    so_far as (
        select * from {{ built }}
        where built_by = {{ months_hash() }}
    ),

    anew as (
        {{ sums_by_month(ref('int_customer_days')) }}
    ),

    parts as (
        select {{ columns }} from so_far
        union all
        select {{ columns }} from {{ changes }}
        where exists (select from so_far)
        union all
        select {{ columns }} from anew
        where not exists (select from so_far)
    ),
{% else %}
    parts as (
        {{ sums_by_month(ref('int_customer_days')) }}
    ),
{% endif %}

int_cohort_months as (
    select
        cohort_month,
        acquisition_source,
        month,
        {% for count in counts %}
            cast(sum({{ count }}) as bigint) as {{ count }},
        {% endfor %}
        {% for amount in sums %}
            cast(sum({{ amount }}) as numeric(18, 4)) as {{ amount }},
        {% endfor %}
        {{ months_hash() }} as built_by
    from parts
    group by cohort_month, acquisition_source, month
    having sum(count_days) > 0
)

select * from int_cohort_months
