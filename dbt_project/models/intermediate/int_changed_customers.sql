{% set episodes = as_built('intermediate', 'int_episodes') %}

with
facts as (
    select * from {{ ref('int_customer_facts') }}
),

{% if episodes %}
    built as (
        select
            customer_key,
            facts_hash
        from {{ episodes }}
        where episode_to = 'infinity'
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
