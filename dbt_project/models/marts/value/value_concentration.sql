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

-- who holds value, from the poorest to the richest; among equals the order does not matter
buyers as (
    select
        value_12m,
        row_number() over (order by value_12m) as rank_up,
        sum(value_12m) over (order by value_12m desc rows unbounded preceding) - value_12m as value_before,
        sum(value_12m) over () as value_total,
        count(*) over () as count_buyers
    from customers
    where value_12m > 0
),

spread as (
    select
        count(*) as count_buyers,
        round(cast(count(*) filter (where value_before < 0.8 * value_total) as numeric) / nullif(count(*), 0), 6)
            as share_of_customers_for_80pct,
        round(
            2 * sum(rank_up * value_12m) / nullif(max(count_buyers) * sum(value_12m), 0)
            - (max(count_buyers) + 1.0) / max(count_buyers),
            6
        ) as gini
    from buyers
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
