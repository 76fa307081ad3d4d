{# emptied once int_customer_days has read it: nothing to recover after a crash #}
{{ config(unlogged=true) }}

{% set days = as_built('intermediate', 'int_customer_days') %}

with
people as (
    select
        cohorts.customer_key,
        cohorts.cohort_month,
        cohorts.acquisition_source,
        facts.known_on,
        {{ days_hash('facts.facts_hash', 'cohorts.acquisition_source') }} as built_from
    from {{ ref('int_cohorts') }} as cohorts
    inner join {{ ref('int_customer_facts') }} as facts on cohorts.customer_key = facts.customer_key
),

{% if days %}
    built as (
        select
            customer_key,
            built_from
        from {{ days }}
        where next_day = 'infinity'
    ),

    int_changed_days as (
        select people.*
        from people
        left join built on people.customer_key = built.customer_key
        where people.built_from is distinct from built.built_from
    )
{% else %}
    int_changed_days as (
        select * from people
    )
{% endif %}

select * from int_changed_days
