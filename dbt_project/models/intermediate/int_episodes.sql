{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_retired_customers() }}",
    post_hook="truncate {{ ref('int_changed_customers') }}, {{ ref('int_touches') }}, {{ ref('int_cycles') }}, {{ ref('int_trends') }}, {{ ref('int_event_states') }}",
    indexes=[{'columns': ['customer_key', 'episode_on']}]
) }}

with
cycles as (
    select * from {{ ref('int_cycles') }}
),

trends as (
    select * from {{ ref('int_trends') }}
),

event_states as (
    select * from {{ ref('int_event_states') }}
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
        cycles.facts_hash,
        cycles.recent_spend,
        event_states.events,
        event_states.scheduled
    from cycles
    left join trends
        on
            cycles.customer_key = trends.customer_key
            and cycles.episode_on = trends.episode_on
    left join event_states
        on
            cycles.customer_key = event_states.customer_key
            and cycles.episode_on = event_states.episode_on
)

select * from int_episodes
