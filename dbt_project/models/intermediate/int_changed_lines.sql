{# emptied once int_customer_categories has read it; logged, since what a crash lost of it no later night would ask #}

{# refs that a full build does without #}
{% set orders = ref('fct_orders') %}
{% set batches = ref('int_seen_batches') %}
{% set categories = as_built('intermediate', 'int_customer_categories') %}

with
facts as (
    select * from {{ ref('int_customer_facts') }}
),

{% if categories %}
    built as (
        select
            customer_key,
            built_from
        from {{ categories }}
        where category is null
    ),

    -- lines say nothing in a fingerprint of facts; those that came since the last finished night are looked up
    delivered as (
        select distinct orders.customer_key
        from {{ source('raw', 'order_lines') }} as lines
        inner join {{ orders }} as orders
            on
                lines.source = orders.source
                and lines.order_id = orders.order_id
        where
            lines.batch_id = {{ new_batches('order_lines') }}
    ),

    -- without a fingerprint: a retired key, of which nothing is left
    int_changed_lines as (
        select
            coalesce(facts.customer_key, built.customer_key) as customer_key,
            facts.facts_hash as built_from
        from facts
        full join built on facts.customer_key = built.customer_key
        left join delivered on facts.customer_key = delivered.customer_key
        where
            facts.facts_hash is distinct from built.built_from
            or delivered.customer_key is not null
    )
{% else %}
    -- in full there is nothing to ask: everybody is built
    int_changed_lines as (
        select
            customer_key,
            facts_hash as built_from
        from facts
        where false
    )
{% endif %}

select * from int_changed_lines
