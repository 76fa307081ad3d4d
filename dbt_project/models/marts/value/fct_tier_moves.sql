{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}",
    indexes=[{'columns': ['customer_key', 'as_of']}]
) }}

with
fct_tier_moves as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        from_tier,
        to_tier
    from {{ ref('int_tiers') }}
    where from_tier is distinct from to_tier
)

select * from fct_tier_moves
