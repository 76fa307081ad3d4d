{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

{% set measures = ('recency_days', 'frequency', 'monetary', 'order_value') %}

with
-- few, since there are few scores
kinds as (
    select
        recency_score,
        frequency_score,
        monetary_score,
        order_value_quintile,
        cast(rfm_cell ~ '_(value|development)$' as integer) as is_recent,
        cast(rfm_cell ~ '_(value|retention)$' as integer) as is_frequent,
        cast(rfm_cell ~ '^important_' as integer) as is_valuable,
        {% for measure in measures %}
            min({{ measure }}) as {{ measure }}_from,
            max({{ measure }}) as {{ measure }}_to,
        {% endfor %}
        count(*) as count_customers
    from {{ ref('customer_rfm') }}
    where rfm_group <> 'prospects'
    group by recency_score, frequency_score, monetary_score, order_value_quintile, rfm_cell
),

classes as (
    select
        class.*,
        kinds.count_customers
    from kinds
    cross join
        lateral (
            values
            ('recency', 'score', kinds.recency_score, kinds.recency_days_from, kinds.recency_days_to),
            ('frequency', 'score', kinds.frequency_score, kinds.frequency_from, kinds.frequency_to),
            ('monetary', 'score', kinds.monetary_score, kinds.monetary_from, kinds.monetary_to),
            ('order_value', 'score', kinds.order_value_quintile, kinds.order_value_from, kinds.order_value_to),
            ('recency', 'grid', kinds.is_recent, kinds.recency_days_from, kinds.recency_days_to),
            ('frequency', 'grid', kinds.is_frequent, kinds.frequency_from, kinds.frequency_to),
            ('monetary', 'grid', kinds.is_valuable, kinds.monetary_from, kinds.monetary_to)
        ) as class (measure, scale, level, value_from, value_to)
),

rfm_cuts as (
    select
        {{ as_of() }} as as_of,
        measure,
        scale,
        level,
        cast(min(value_from) as numeric(18, 4)) as value_from,
        cast(max(value_to) as numeric(18, 4)) as value_to,
        cast(sum(count_customers) as bigint) as count_customers
    from classes
    group by measure, scale, level
)

select * from rfm_cuts
