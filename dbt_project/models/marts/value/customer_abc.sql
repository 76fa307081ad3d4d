with
customer_abc as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        cast('{{ var("value").abc.basis }}' as text) as basis,
        value_12m,
        share_cum as revenue_share_cum,
        to_tier as abc_tier
    from {{ ref('int_tiers') }}
    where to_tier is not null
)

select * from customer_abc
