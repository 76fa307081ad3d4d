{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_old_rules() }}"
) }}

{% set offers = var('value').offers %}
{# what a night can count: as many customers as have so many pairs together, in the order of their keys #}
{% set most_pairs = 50000000 %}

with
-- a basket is all that a customer bought in the window
bought as (
    select
        customer_key,
        category
    from {{ ref('int_customer_categories') }}
    where
        last_on > {{ as_of() }} - {{ offers.window_days }}
        {% if is_incremental() %}
            -- once a month
            and not exists (select 1 from {{ this }})
        {% endif %}
),

sizes as (
    select
        customer_key,
        sum(count(*) * (count(*) - 1) / 2) over (order by customer_key) as pairs_so_far
    from bought
    group by customer_key
),

baskets as (
    select bought.*
    from bought
    inner join sizes on bought.customer_key = sizes.customer_key
    where sizes.pairs_so_far <= {{ most_pairs }}
),

whole as (
    select count(distinct customer_key) as count_all
    from baskets
),

singles as (
    select
        category,
        count(*) as count_customers,
        -- every pair of categories is a question asked
        count(*) over () * (count(*) over () - 1) / 2 as count_questions
    from baskets
    group by category
),

pairs as (
    select
        first.category as first_category,
        second.category as second_category,
        count(*) as count_both
    from baskets as first
    inner join baskets as second
        on
            first.customer_key = second.customer_key
            and first.category < second.category
    group by first.category, second.category
    having count(*) > 1
),

directed as (
    select
        first_category as category,
        second_category as other_category,
        count_both
    from pairs
    union all
    select
        second_category as category,
        first_category as other_category,
        count_both
    from pairs
),

counted as (
    select
        directed.category,
        directed.other_category,
        whole.count_all,
        singles.count_customers,
        others.count_customers as count_other,
        directed.count_both,
        singles.count_questions,
        cast(directed.count_both as double precision) * whole.count_all
        - cast(singles.count_customers as double precision) * others.count_customers as excess,
        cast(singles.count_customers as double precision) * others.count_customers
        * (whole.count_all - singles.count_customers) * (whole.count_all - others.count_customers) as spread
    from directed
    inner join singles on directed.category = singles.category
    inner join singles as others on directed.other_category = others.category
    cross join whole
),

-- one-sided chi-square test of the four-field table; where everybody buys one of the two there is nothing to test
tested as (
    select
        *,
        case
            when spread > 0 then erfc(excess * sqrt(count_all / spread) / sqrt(2)) / 2
            else 1
        end as p_value
    from counted
),

category_affinity as (
    select
        {{ as_of() }} as as_of,
        category,
        other_category,
        count_all,
        count_customers,
        count_other,
        count_both,
        round(count_both / cast(count_all as numeric), 6) as support,
        round(count_both / cast(count_customers as numeric), 6) as confidence,
        round(count_both * cast(count_all as numeric) / count_customers / count_other, 6) as lift,
        p_value,
        count_both >= {{ offers.min_customers }} and p_value * count_questions <= {{ offers.significance }} as significant,
        md5({{ as_of() }} || {{ offers_hash() }}) as rules_hash
    from tested
)

select * from category_affinity
