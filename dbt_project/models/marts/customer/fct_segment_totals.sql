{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

{# columns of customer_360 that divide all customers #}
{% set segmentations = [
    'abc_tier', 'rfm_group', 'rfm_cell', 'quadrant', 'order_value_quintile', 'country', 'acquisition_source',
    'favourite_source', 'favourite_weekday', 'first_touch', 'quadrant_path'
] %}

with
customers as (
    select * from {{ ref('customer_360') }}
),

-- one pass over the customers for all of them
by_column as (
    select
        case
            {% for name in segmentations %}
                when grouping({{ name }}) = 0 then '{{ name }}'
            {% endfor %}
        end as segmentation,
        coalesce(
            {% for name in segmentations %}
                cast({{ name }} as text){{ ',' if not loop.last }}
            {% endfor %}
        ) as segment,
        {{ segment_totals() }}
    from customers
    group by
        grouping sets (
            {% for name in segmentations %}
                ({{ name }}){{ ',' if not loop.last }}
            {% endfor %}
        )
),

by_stage as (
    select
        'stage of ' || stages.lifecycle_model as segmentation,
        stages.stage as segment,
        {{ segment_totals() }}
    from {{ ref('customer_lifecycle') }} as stages
    inner join customers on stages.customer_key = customers.customer_key
    group by stages.lifecycle_model, stages.stage
),

summed as (
    select * from by_column
    union all
    select * from by_stage
),

fct_segment_totals as (
    select
        {{ as_of() }} as as_of,
        segmentation,
        -- of a segmentation that has nothing to say of somebody, nobody is left out
        coalesce(segment, '(none)') as segment,
        count_customers,
        count_buyers,
        count_orders,
        net_revenue,
        value_12m,
        clv_365d
    from summed
)

select * from fct_segment_totals
