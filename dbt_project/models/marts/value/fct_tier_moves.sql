{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}",
    indexes=[{'columns': ['customer_key', 'as_of']}]
) }}

{% set abc = var('value').abc %}

with
shares as (
    select * from {{ ref('int_abc_shares') }}
),

{% if is_incremental() %}
    -- what everybody was at the end of the newest finished night before this one
    before as (
        select distinct on (customer_key)
            customer_key,
            to_tier as tier
        from {{ this }}
        where as_of <= {{ last_built_night() }}
        order by customer_key asc, as_of desc
    ),
{% else %}
    -- on the first night nobody has a tier to keep
    before as (
        select
            customer_key,
            cast(null as text) as tier
        from shares
        where false
    ),
{% endif %}

-- who is above a border falls below it, and the other way round, only with some distance
placed as (
    select
        coalesce(shares.customer_key, before.customer_key) as customer_key,
        before.tier as from_tier,
        shares.customer_key is null as is_retired,
        shares.is_prospect,
        shares.value_12m,
        shares.counted_value,
        shares.share_before,
        {{ abc.a_until }} + case
            when before.tier = 'A' then {{ abc.hysteresis }}
            when before.tier in ('B', 'C') then -{{ abc.hysteresis }}
            else 0
        end as a_until,
        {{ abc.b_until }} + case
            when before.tier in ('A', 'B') then {{ abc.hysteresis }}
            when before.tier = 'C' then -{{ abc.hysteresis }}
            else 0
        end as b_until
    from shares
    full join before on shares.customer_key = before.customer_key
),

-- the customer who crosses 80 % still belongs to A, the one who crosses 95 % to B
tiered as (
    select
        customer_key,
        from_tier,
        case
            when is_retired then null
            when is_prospect then 'N'
            when value_12m is null then coalesce(nullif(from_tier, 'N'), 'C')
            when counted_value = 0 then 'C'
            when share_before < a_until then 'A'
            when share_before < b_until then 'B'
            else 'C'
        end as to_tier
    from placed
),

fct_tier_moves as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        from_tier,
        to_tier
    from tiered
    where from_tier is distinct from to_tier
)

select * from fct_tier_moves
