{{ config(materialized='view') }}

with
stays as (
    select * from {{ ref('int_stays') }}
),

-- a view: the numbers are put into words when somebody reads them, not for every row every night
fct_lifecycle_timeline as (
    select
        customer_key,
        lifecycle_model,
        stage,
        valid_from,
        valid_to,
        entered_by,
        jsonb_strip_nulls(jsonb_build_object(
            'orders', orders,
            'first_order_on', first_order_on,
            'last_order_on', last_order_on,
            'silence_days', valid_from - last_order_on,
            'cycle_days', round(cast(cycle_days as numeric), 1),
            'spend', round(cast(spend as numeric), 2),
            'recent_spend', round(cast(recent_spend as numeric), 2),
            'trend', trend,
            'spend_change', round(cast(spend_change as numeric), 3),
            'frequency_change', round(cast(frequency_change as numeric), 2),
            'events', events,
            'scheduled', scheduled
        )) as details,
        built_from
    from stays
)

select * from fct_lifecycle_timeline
