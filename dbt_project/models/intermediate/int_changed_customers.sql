{% set episodes = as_built('intermediate', 'int_episodes') %}

with
facts as (
    select * from {{ ref('int_customer_facts') }}
),

{% if episodes %}
    built as (
        select
            customer_key,
            max(facts_hash) as facts_hash
        from {{ episodes }}
        group by customer_key
    ),

    int_changed_customers as (
        select
            facts.customer_key,
            facts.known_on,
            facts.facts_hash
        from facts
        left join built on facts.customer_key = built.customer_key
        where facts.facts_hash is distinct from built.facts_hash
    )
{% else %}
    int_changed_customers as (
        select
            customer_key,
            known_on,
            facts_hash
        from facts
    )
{% endif %}

select * from int_changed_customers
