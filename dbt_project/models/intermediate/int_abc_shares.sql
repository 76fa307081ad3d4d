{{ config(materialized='view') }}

{% set abc = var('value').abc %}

with
totals as (
    select
        *,
        order_days = 0 as is_prospect
    from {{ ref('int_order_totals') }}
),

-- who bought nothing in that time is worth nothing; of a buyer without a forecast the worth is unknown
valued as (
    select
        totals.customer_key,
        totals.is_prospect,
        {% if abc.basis == 'clv' %}
            -- to the hundredth of a cent: sums of such numbers do not depend on their order -- noqa: disable=RF01,LT02
            case when totals.is_prospect then 0 else cast(forecasts.clv_365d as numeric(18, 4)) end as value_12m
        {% elif abc.basis == 'margin' %}
            coalesce(cast(totals.revenue_365 * {{ var('value').margin }} as numeric(18, 4)), 0) as value_12m
        {% else %}
            coalesce(totals.revenue_365, 0) as value_12m
        {% endif %}
    from totals
    {% if abc.basis == 'clv' %}
        left join {{ ref('customer_clv') }} as forecasts on totals.customer_key = forecasts.customer_key
    {% endif %}
),

-- not materialized: to read it twice takes less than to write it out
counted as not materialized (
    select
        *,
        greatest(coalesce(value_12m, 0), 0) as counted_value
    from valued
),

-- customers of equal value stand together
amounts as (
    select
        counted_value,
        sum(counted_value) as value_equal,
        sum(sum(counted_value)) over (order by counted_value desc) as value_cum,
        sum(sum(counted_value)) over () as value_total
    from counted
    group by counted_value
),

shares as (
    select
        counted_value,
        value_cum / nullif(value_total, 0) as share_cum,
        (value_cum - value_equal) / nullif(value_total, 0) as share_before
    from amounts
),

int_abc_shares as (
    select
        counted.customer_key,
        counted.is_prospect,
        counted.value_12m,
        counted.counted_value,
        shares.share_cum,
        shares.share_before
    from counted
    inner join shares on counted.counted_value = shares.counted_value
)

select * from int_abc_shares
