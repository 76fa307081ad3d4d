{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

with
buyers as (
    select * from {{ ref('customer_rfm') }}
    where rfm_group <> 'prospects'
),

classes as (
    select class.*
    from buyers
    cross join
        lateral (
            values
            ('recency', 'score', buyers.recency_score, buyers.recency_days),
            ('frequency', 'score', buyers.frequency_score, buyers.frequency),
            ('monetary', 'score', buyers.monetary_score, buyers.monetary),
            ('order_value', 'score', buyers.order_value_quintile, buyers.order_value),
            ('recency', 'grid', cast(buyers.rfm_cell ~ '_(value|development)$' as integer), buyers.recency_days),
            ('frequency', 'grid', cast(buyers.rfm_cell ~ '_(value|retention)$' as integer), buyers.frequency),
            ('monetary', 'grid', cast(buyers.rfm_cell ~ '^important_' as integer), buyers.monetary)
        ) as class (measure, scale, level, value)
),

rfm_cuts as (
    select
        {{ as_of() }} as as_of,
        measure,
        scale,
        level,
        cast(min(value) as numeric(18, 4)) as value_from,
        cast(max(value) as numeric(18, 4)) as value_to,
        count(*) as count_customers
    from classes
    group by measure, scale, level
)

select * from rfm_cuts
