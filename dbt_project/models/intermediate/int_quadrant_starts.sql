{% set points = ('before', 'start') %}

{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_retired_customers() }}",
    indexes=[{'columns': ['customer_key'], 'unique': true}]
) }}

with
{% if is_incremental() %}
    told as (
        select
            customer_key,
            built_from
        from {{ ref('int_customer_days') }}
        where next_day = 'infinity'
    ),

    stale as (
        select told.customer_key
        from told
        left join {{ this }} as built on told.customer_key = built.customer_key
        where
            told.built_from is distinct from built.built_from
            or built.quarter <> {{ quadrant_day('start') }}
    ),

    -- an array is looked up by the index, customer by customer; a join would read everybody
    days as (
        select * from {{ ref('int_customer_days') }}
        where customer_key = any(array(select stale.customer_key from stale))
    ),
{% else %}
    days as (
        select * from {{ ref('int_customer_days') }}
    ),
{% endif %}

-- most days are worth today what they were worth then
worth as (
    select
        {% for point in points %}
            case
                when revised.customer_key is not null then revised.net_{{ point }}
                when days.day < {{ quadrant_day(point) }} then days.counted_revenue
            end as net_{{ point }},
        {% endfor %}
        days.customer_key,
        days.day,
        days.built_from
    from days
    left join {{ ref('int_revised_days') }} as revised
        on
            days.customer_key = revised.customer_key
            and days.day = revised.ordered_on
),

int_quadrant_starts as (
    select
        {% for point in points %}
            count(net_{{ point }}) as days_{{ point }},
            count(net_{{ point }}) filter (where day >= {{ quadrant_day(point) }} - 365) as days_365_{{ point }},
            coalesce(sum(net_{{ point }}), 0) as spend_{{ point }},
        {% endfor %}
        customer_key,
        {{ quadrant_day('start') }} as quarter,
        min(built_from) as built_from
    from worth
    group by customer_key
)

select * from int_quadrant_starts
