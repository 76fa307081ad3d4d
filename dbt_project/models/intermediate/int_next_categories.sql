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

-- the best first; of equals by name, and the one seen most often explains it
rules as (
    select
        category,
        other_category,
        as_of,
        hashtextextended(concat_ws(',', category, other_category, score, count_both), 1) as said,
        row_number() over (
            order by score desc, other_category asc, count_both desc, category asc
        ) as rule_no
    from {{ ref('category_affinity') }}
    where significant
),

in_force as (
    select
        max(as_of) as as_of,
        -- a night run again can have counted otherwise
        concat_ws(',', max(as_of), bit_xor(said), {{ offers_hash() }}) as rules_hash
    from rules
),

-- places of the categories in a bit string; what is in a rule is in its reverse, too
places as (
    select
        category,
        cast(row_number() over (order by category) - 1 as integer) as place,
        cast(count(*) over () as integer) as count_places
    from rules
    group by category
),

lists as (
    select
        rules.category,
        array_agg(rules.rule_no order by rules.rule_no) as rule_nos,
        array_agg(places.place order by rules.rule_no) as other_places
    from rules
    inner join places on rules.other_category = places.category
    group by rules.category
),

customers as (
    select
        categories.customer_key,
        md5(categories.categories_hash || in_force.rules_hash) as built_from
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
owned as (
    select
        categories.customer_key,
        categories.category,
        places.place,
        places.count_places
    from categories
    inner join changed on categories.customer_key = changed.customer_key
    inner join places on categories.category = places.category
    cross join in_force
    where categories.last_on > in_force.as_of - {{ offers.window_days }}
),

baskets as (
    select
        customer_key,
        bit_or(set_bit(cast(repeat('0', count_places) as bit varying), place, 1)) as has
    from owned
    group by customer_key
),

-- of the rules of each category she has, the first that lead to one she has not: unnesting keeps the order and ends
-- with the limit -- noqa: disable=AM09
suggested as (
    select
        owned.customer_key,
        found.rule_no
    from owned
    inner join baskets on owned.customer_key = baskets.customer_key
    inner join lists on owned.category = lists.category
    cross join lateral (
        select unnested.rule_no
        from (
            select
                unnest(lists.rule_nos) as rule_no,
                unnest(lists.other_places) as other_place
        ) as unnested
        where get_bit(baskets.has, unnested.other_place) = 0
        limit {{ offers.suggestions }}
    ) as found
),

-- several rules can suggest the same category
explained as (
    select distinct on (suggested.customer_key, rules.other_category)
        suggested.customer_key,
        suggested.rule_no,
        rules.other_category,
        rules.category
    from suggested
    inner join rules on suggested.rule_no = rules.rule_no
    order by suggested.customer_key asc, rules.other_category asc, suggested.rule_no asc
),

ranked as (
    select
        *,
        row_number() over (partition by customer_key order by rule_no) as her_place
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
