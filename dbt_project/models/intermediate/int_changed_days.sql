{# emptied once int_order_totals has read it: nothing to recover after a crash #}
{{ config(unlogged=true) }}

{% set days = as_built('intermediate', 'int_customer_days') %}
{% set totals = as_built('intermediate', 'int_order_totals') %}

with
people as (
    {{ people_with_days() }}
),

{% if days and totals %}
    -- the totals come last, so who is in them as she is now is in the days too
    built as (
        select
            customer_key,
            built_from
        from {{ totals }}
    ),
{% else %}
    -- where one of the two is missing, the other is good for nothing but knowing who may have retired
    built as (
        select
            customer_key,
            '' as built_from
        from people
        where false
        {% for table in (days, totals) if table %}
            union
            select
                customer_key,
                '' as built_from
            from {{ table }}
        {% endfor %}
    ),
{% endif %}

int_changed_days as (
    select
        coalesce(people.customer_key, built.customer_key) as customer_key,
        people.cohort_month,
        people.acquisition_source,
        people.known_on,
        people.built_from
    from people
    full join built on people.customer_key = built.customer_key
    where people.built_from is distinct from built.built_from
)

select * from int_changed_days
