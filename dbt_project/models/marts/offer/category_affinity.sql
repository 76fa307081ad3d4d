{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_old_rules() }}"
) }}

{% set offers = var('value').offers %}
{# customers per bit string #}
{% set block = 4096 %}

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

baskets as (
    select
        customer_key,
        row_number() over (order by customer_key) - 1 as number
    from bought
    group by customer_key
),

whole as (
    select count(*) as count_all
    from baskets
),

-- what fewer customers bought is in no rule; every pair of the others is a question asked
singles as (
    select
        category,
        count(*) as count_customers,
        count(*) over () * (count(*) over () - 1) / 2 as count_questions
    from bought
    group by category
    having count(*) >= {{ offers.min_customers }}
),

-- a bit per customer: how many bought both is one operation on two strings, however large the baskets are
blocks as (
    select
        bought.category,
        baskets.number / {{ block }} as block,
        bit_or(
            set_bit(cast(repeat('0', {{ block }}) as bit varying), cast(baskets.number % {{ block }} as integer), 1)
        ) as customers
    from bought
    inner join baskets on bought.customer_key = baskets.customer_key
    inner join singles on bought.category = singles.category
    group by bought.category, baskets.number / {{ block }}
),

pairs as (
    select
        one.category as first_category,
        other.category as second_category,
        cast(sum(bit_count(one.customers & other.customers)) as bigint) as count_both
    from blocks as one
    inner join blocks as other
        on
            one.block = other.block
            and one.category < other.category
    group by one.category, other.category
    having sum(bit_count(one.customers & other.customers)) > 0
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
        -- a rule of few customers is pulled towards what everybody buys
        round(
            (count_both + {{ offers.prior_customers }} * count_other / cast(count_all as numeric))
            / (count_customers + {{ offers.prior_customers }}), 6
        ) as score,
        p_value,
        count_both >= {{ offers.min_customers }}
        and p_value * count_questions <= {{ offers.significance }} as significant,
        {{ offers_hash() }} as settings_hash
    from tested
)

select * from category_affinity
