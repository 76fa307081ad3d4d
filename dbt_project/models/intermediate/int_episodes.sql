{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='fail',
    pre_hook="{{ forget_retired_customers() }}",
    post_hook="truncate {{ ref('int_changed_customers') }}, {{ ref('int_touches') }}, {{ ref('int_cycles') }}, {{ ref('int_trends') }}",
    indexes=[{'columns': ['customer_key', 'episode_on']}]
) }}

with
cycles as (
    select * from {{ ref('int_cycles') }}
),

trends as (
    select * from {{ ref('int_trends') }}
),

int_episodes as (
    select
        cycles.customer_key,
        cycles.episode_on,
        lead(cycles.episode_on, 1, date 'infinity') over (
            partition by cycles.customer_key
            order by cycles.episode_on
        ) as episode_to,
        cycles.opened_by,
        cycles.orders,
        cycles.first_order_on,
        cycles.last_order_on,
        cycles.spend,
        cycles.cycle_days,
        cycles.window_days,
        coalesce(trends.trend, 'none') as trend,
        trends.spend_change,
        trends.frequency_change,
        cycles.facts_hash
    from cycles
    left join trends
        on
            cycles.customer_key = trends.customer_key
            and cycles.episode_on = trends.episode_on
)

select * from int_episodes
