{% set recent = var('value').recent_days %}

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

    -- nobody else's totals can have changed
    stale as (
        select told.customer_key
        from told
        left join {{ this }} as built on told.customer_key = built.customer_key
        where told.built_from is distinct from built.built_from or built.holds_until <= {{ as_of() }}
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

-- several orders of one day are one: the models count days on which she ordered
int_order_totals as (
    select
        customer_key,
        sum(net_revenue) as net_revenue,
        sum(net_revenue) filter (where day > {{ as_of() }} - 365) as revenue_365,
        sum(counted_revenue) as counted_revenue,
        min(day) filter (where counted_revenue is not null) as first_order_on,
        max(day) filter (where counted_revenue is not null) as last_order_on,
        cast(count(counted_revenue) as integer) as order_days,
        cast(count(counted_revenue) filter (where day > {{ as_of() }} - 365) as integer) as order_days_365,
        cast(count(counted_revenue) filter (where day > {{ as_of() }} - {{ recent }}) as integer) as order_days_recent,
        cast(count(*) filter (where counted_revenue > 0) as integer) as valued_orders,
        cast(avg(counted_revenue) filter (where counted_revenue > 0) as double precision) as mean_value,
        least(
            min(day) filter (where net_revenue is not null and day > {{ as_of() }} - 365) + 365,
            min(day) filter (where net_revenue is not null and day > {{ as_of() }} - {{ recent }}) + {{ recent }}
        ) as holds_until,
        min(built_from) as built_from
    from days
    group by customer_key
)

select * from int_order_totals
