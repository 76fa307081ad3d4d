{# emptied once int_customer_days has read it; lost in a crash, it is asked again: what is built says from what #}
{{ config(unlogged=true) }}

{% set days = as_built('intermediate', 'int_customer_days') %}

with
people as (
    {{ people_with_days() }}
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
    -- in full there is nothing to ask: everybody is built
    int_changed_days as (
        select * from people
        where false
    )
{% endif %}

select * from int_changed_days
