{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_customers_without_lines() }}",
    post_hook={'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    indexes=[{'columns': ['customer_key']}]
) }}

{% set offers = var('value').offers %}

with
categories as not materialized (
    select * from {{ ref('int_customer_categories') }}
),

affinity as (
    select * from {{ ref('category_affinity') }}
    where significant
),

rules as (
    select
        *,
        row_number() over (partition by category order by confidence desc, other_category) as place
    from affinity
),

in_force as (
    select
        max(as_of) as as_of,
        coalesce(min(rules_hash), {{ offers_hash() }}) as rules_hash
    from affinity
),

customers as (
    select
        categories.customer_key,
        md5(categories.built_from || in_force.rules_hash) as built_from
    from categories
    cross join in_force
    where categories.category is null
),

{% if is_incremental() %}
    built as (
        select
            customer_key,
            built_from
        from {{ this }}
        where place = 0
    ),

    changed as (
        select customers.*
        from customers
        left join built on customers.customer_key = built.customer_key
        where customers.built_from is distinct from built.built_from
    ),
{% else %}
    changed as (
        select * from customers
    ),
{% endif %}

-- what she bought in the window of the rules, or since
owned as materialized (
    select
        categories.customer_key,
        categories.category,
        count(*) over (partition by categories.customer_key) as count_owned
    from categories
    cross join in_force
    where
        categories.last_on > in_force.as_of - {{ offers.window_days }}
        {% if is_incremental() %}
            and categories.customer_key = any(array(select changed.customer_key from changed))
        {% endif %}
),

-- of every rule list her best new categories lie behind at most those she has
suggested as (
    select
        owned.customer_key,
        rules.*
    from owned
    inner join rules
        on
            owned.category = rules.category
            and owned.count_owned + {{ offers.suggestions }} > rules.place
    left join owned as already
        on
            owned.customer_key = already.customer_key
            and rules.other_category = already.category
    where already.category is null
),

-- several rules can suggest the same: the most confident explains it, of equals the one most often seen
explained as (
    select distinct on (customer_key, other_category) *
    from suggested
    order by customer_key asc, other_category asc, confidence desc, count_both desc, category asc
),

ranked as (
    select
        *,
        row_number() over (partition by customer_key order by confidence desc, other_category) as her_place
    from explained
),

int_next_categories as (
    select
        customer_key,
        cast(her_place as integer) as place,
        other_category as category,
        category as because_of,
        cast(null as text) as built_from
    from ranked
    where her_place <= {{ offers.suggestions }}
    union all
    select
        customer_key,
        0 as place,
        cast(null as text) as category,
        cast(null as text) as because_of,
        built_from
    from changed
)

select * from int_next_categories
