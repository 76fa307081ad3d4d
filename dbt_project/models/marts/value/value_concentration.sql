{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

with
customers as (
    select * from {{ ref('customer_abc') }}
),

-- who holds value, from the richest to the poorest; among equals the order does not matter
buyers as (
    select
        value_12m,
        row_number() over richest as place,
        sum(value_12m) over richest - value_12m as value_before
    from customers
    where value_12m > 0
    window richest as (order by value_12m desc rows unbounded preceding)
),

held as (
    select sum(value_12m) as value_total
    from customers
    where value_12m > 0
),

spread as (
    select
        count(*) as count_buyers,
        round(
            cast(count(*) filter (where buyers.value_before < 0.8 * held.value_total) as numeric)
            / nullif(count(*), 0),
            6
        ) as share_of_customers_for_80pct,
        round(
            (count(*) + 1.0) / nullif(count(*), 0)
            - 2 * sum(buyers.place * buyers.value_12m) / (count(*) * sum(buyers.value_12m)),
            6
        ) as gini
    from buyers
    cross join held
),

-- equals A plus B plus C plus N, for customers and for value
tiers as (
    select
        min(basis) as basis,
        count(*) as count_customers,
        {% for tier in 'ABCN' %}
            count(*) filter (where abc_tier = '{{ tier }}') as count_{{ tier | lower }},
            coalesce(sum(value_12m) filter (where abc_tier = '{{ tier }}'), 0) as value_{{ tier | lower }},
        {% endfor %}
        coalesce(sum(value_12m), 0) as value_12m
    from customers
),

value_concentration as (
    select
        {{ as_of() }} as as_of,
        tiers.basis,
        tiers.count_customers,
        spread.count_buyers,
        spread.share_of_customers_for_80pct,
        spread.gini,
        {% for tier in 'abcn' %}
            tiers.count_{{ tier }},
            tiers.value_{{ tier }},
        {% endfor %}
        tiers.value_12m
    from tiers
    cross join spread
)

select * from value_concentration
