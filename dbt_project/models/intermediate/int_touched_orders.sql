{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_settled() }}"
) }}

{# asked for by name in a macro #}
{% set batches = ref('int_seen_batches') %}

with
-- an order of which anything was loaded since the last finished night, for whatever night
delivered as (
    select
        source,
        order_id
    from {{ source('raw', 'orders') }}
    where batch_id = {{ new_batches('orders') }}
),

-- a refund may have been of another order before
given_back as (
    select
        versions.source,
        versions.order_id
    from {{ source('raw', 'refunds') }} as versions
    inner join {{ source('raw', 'refunds') }} as delivered
        on
            versions.source = delivered.source
            and versions.refund_id = delivered.refund_id
    where delivered.batch_id = {{ new_batches('refunds') }}
),

-- what was told ahead of its day comes with the day
come_due as (
    select
        source,
        order_id
    from {{ source('raw', 'orders') }}
    where ordered_at >= {{ since_last_night() }}
    union all
    select
        source,
        order_id
    from {{ source('raw', 'orders') }}
    where cancelled_at >= {{ since_last_night() }}
    union all
    select
        source,
        order_id
    from {{ source('raw', 'refunds') }}
    where refunded_at >= {{ since_last_night() }}
),

rated as (
    select distinct rated_on
    from {{ source('raw', 'exchange_rates') }}
    where batch_id = {{ new_batches('exchange_rates') }} or rated_on > {{ last_built_night() }}
),

held as (
    select rated.rated_on + ages.age as day
    from rated
    cross join generate_series(0, {{ var('rate_holds_days') }} - 1) as ages (age)
),

-- a rate that is told, or told again, is that of the orders of every day for which it may hold
priced as (
    select
        source,
        order_id
    from {{ source('raw', 'orders') }}
    where
        ordered_at >= (select cast(min(rated.rated_on) - 1 as timestamp with time zone) from rated)
        and {{ business_day('ordered_at') }} in (select held.day from held)
),

touched as (
    select * from delivered
    union
    select * from given_back
    union
    select * from come_due
    union
    select * from priced
),

-- before a night was finished everything is built in full, and nothing needs to be listed
int_touched_orders as (
    select
        source,
        order_id,
        {{ as_of() }} as touched_on
    from touched
    where {{ last_built_night() }} is not null
    {% if is_incremental() %}
        -- an earlier attempt at the night may have listed it
        except
        select
            source,
            order_id,
            touched_on
        from {{ this }}
    {% endif %}
)

select * from int_touched_orders
