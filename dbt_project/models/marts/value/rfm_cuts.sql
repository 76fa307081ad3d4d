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
        rfm_cell,
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
            ('recency', 'score', recency_score, recency_days_from, recency_days_to),
            ('frequency', 'score', frequency_score, frequency_from, frequency_to),
            ('monetary', 'score', monetary_score, monetary_from, monetary_to),
            ('order_value', 'score', order_value_quintile, order_value_from, order_value_to),
            (
                'recency', 'grid', cast(rfm_cell ~ '_(value|development)$' as integer),
                recency_days_from, recency_days_to
            ),
            ('frequency', 'grid', cast(rfm_cell ~ '_(value|retention)$' as integer), frequency_from, frequency_to),
            ('monetary', 'grid', cast(rfm_cell ~ '^important_' as integer), monetary_from, monetary_to)
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
