{{ config(materialized='view') }}

with
totals as (
    select * from {{ ref('fct_segment_totals') }}
),

labels as (
    select
        segmentation,
        segment,
        segment_order,
        label_en,
        label_zh
    from {{ ref('dim_segments') }}
    union all
    select
        'stage of ' || lifecycle_model as segmentation,
        stage as segment,
        stage_order as segment_order,
        label_en,
        label_zh
    from {{ ref('dim_stages') }}
),

metrics_segments as (
    select
        totals.as_of,
        totals.segmentation,
        totals.segment,
        labels.segment_order,
        coalesce(labels.label_en, totals.segment) as label_en,
        coalesce(labels.label_zh, totals.segment) as label_zh,
        totals.count_customers as customers,
        round(totals.count_customers / sum(totals.count_customers) over division, 6) as share_of_customers,
        totals.net_revenue as historic_revenue,
        round(totals.net_revenue / nullif(sum(totals.net_revenue) over division, 0), 6) as share_of_revenue,
        totals.value_12m,
        totals.clv_365d as expected_value_365d
    from totals
    left join labels
        on
            totals.segmentation = labels.segmentation
            and totals.segment = labels.segment
    window division as (partition by totals.as_of, totals.segmentation)
)

select * from metrics_segments
