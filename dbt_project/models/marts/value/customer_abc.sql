with
shares as (
    select * from {{ ref('int_abc_shares') }}
),

-- everybody's tier is where she moved last
tiers as (
    select distinct on (customer_key)
        customer_key,
        to_tier
    from {{ ref('fct_tier_moves') }}
    order by customer_key asc, as_of desc
),

customer_abc as (
    select
        {{ as_of() }} as as_of,
        shares.customer_key,
        cast('{{ var("value").abc.basis }}' as text) as basis,
        shares.value_12m,
        round(shares.share_cum, 6) as revenue_share_cum,
        tiers.to_tier as abc_tier
    from shares
    left join tiers on shares.customer_key = tiers.customer_key
)

select * from customer_abc
