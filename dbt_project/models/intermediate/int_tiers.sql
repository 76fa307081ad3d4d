{% set abc = var('value').abc %}
{% set moves = as_built('marts', 'fct_tier_moves', keep_on_full_refresh=true) %}
{% set tiers = as_built('marts', 'customer_abc') if moves %}

with
shares as (
    select * from {{ ref('int_abc_shares') }}
),

{% if tiers %}
    standing as (
        select max(as_of) as as_of
        from {{ tiers }}
    ),

{% endif %}
-- what everybody was at the end of the newest finished night before this one; on the first night nobody was anything
before as (
    {% if tiers %}
        -- mostly the tiers still stand as that night left them
        select
            customer_key,
            abc_tier as tier
        from {{ tiers }}
        where {{ last_built_night() }} = (select standing.as_of from standing)
        union all
    {% endif %}
    {% if moves %}
        -- the newest of each by one pass: night and tier as one text, since sorting all moves takes three times as long
        select
            customer_key,
            nullif(substr(max(to_char(as_of, 'YYYYMMDD') || coalesce(to_tier, '')), 9), '') as tier
        from {{ moves }}
        where
            as_of <= {{ last_built_night() }}
            {% if tiers %}
                and {{ last_built_night() }} is distinct from (select standing.as_of from standing)
            {% endif %}
        group by customer_key
    {% else %}
        select
            customer_key,
            cast(null as text) as tier
        from shares
        where false
    {% endif %}
),

-- who is above a border falls below it, and the other way round, only with some distance
placed as (
    select
        coalesce(shares.customer_key, before.customer_key) as customer_key,
        before.tier as from_tier,
        shares.customer_key is null as is_retired,
        shares.is_prospect,
        shares.value_12m,
        shares.counted_value,
        shares.share_cum,
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
    where shares.customer_key is not null or before.tier is not null
),

-- the customer who crosses 80 % still belongs to A, the one who crosses 95 % to B
int_tiers as (
    select
        customer_key,
        value_12m,
        round(share_cum, 6) as share_cum,
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
)

select * from int_tiers
