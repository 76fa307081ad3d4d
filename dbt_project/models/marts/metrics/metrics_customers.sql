{{ config(materialized='view') }}

with
-- every segmentation adds up to everybody; this one has the fewest segments
totals as (
    select * from {{ ref('fct_segment_totals') }}
    where segmentation = 'abc_tier'
),

summed as (
    select
        as_of,
        cast(sum(count_customers) as bigint) as customers,
        cast(sum(count_buyers) as bigint) as buyers,
        sum(net_revenue) as historic_revenue,
        sum(clv_365d) as expected_value_365d
    from totals
    group by as_of
),

metrics_customers as (
    select
        summed.*,
        concentration.share_of_customers_for_80pct,
        concentration.gini
    from summed
    left join {{ ref('value_concentration') }} as concentration on summed.as_of = concentration.as_of
)

select * from metrics_customers
