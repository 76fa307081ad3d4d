{{ config(materialized='view') }}

with
measured as (
    {{ measured() }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

merged as (
    select distinct customer_key from {{ ref('int_former_keys') }}
),

contacts as (
    select * from {{ ref('int_contacts') }}
),

-- people drawn with another share or salt are another experiment
entries as (
    select
        entries.*,
        measured.effect_days,
        entries.entered_on + measured.effect_days as over_on,
        customers.customer_key is null or merged.customer_key is not null as is_left_out
    from {{ ref('holdout_entries') }} as entries
    inner join measured
        on
            entries.audience = measured.audience
            and entries.holdout = measured.holdout
    left join customers on entries.customer_key = customers.customer_key
    left join merged on entries.customer_key = merged.customer_key
    where entries.salt = '{{ var("holdout").salt }}'
),

judged as (
    select * from entries
    where over_on <= {{ as_of() }} and not is_left_out
),

-- many audiences draw the same people on the same night
windows as (
    select distinct
        customer_key,
        entered_on,
        effect_days
    from judged
),

-- of every day only what was bought on it counts, less what was given back of it since
earned as (
    select
        windows.customer_key,
        windows.entered_on,
        windows.effect_days,
        sum(days.net_revenue) filter (where days.day > windows.entered_on) as revenue,
        sum(days.net_revenue) filter (where days.day <= windows.entered_on) as revenue_before,
        bool_or(days.count_orders > 0 and days.day > windows.entered_on) as has_ordered
    from windows
    inner join {{ ref('int_customer_days') }} as days
        on
            windows.customer_key = days.customer_key
            and windows.entered_on - windows.effect_days < days.day
            and windows.entered_on + windows.effect_days >= days.day
    group by windows.customer_key, windows.entered_on, windows.effect_days
),

written as (
    select distinct
        judged.audience,
        judged.customer_key
    from judged
    inner join contacts
        on
            judged.customer_key = contacts.customer_key
            and judged.audience in ('*', contacts.audience)
            and judged.entered_on <= contacts.decided_on
            and judged.over_on > contacts.decided_on
    inner join measured on contacts.audience = measured.audience
),

int_holdout_outcomes as (
    select
        entries.audience,
        entries.customer_key,
        entries.entered_on,
        entries.over_on,
        entries.is_held_out,
        entries.stage,
        entries.abc_tier,
        case
            when entries.is_left_out then 'left_out'
            when entries.over_on > {{ as_of() }} then 'running'
            else 'over'
        end as state,
        coalesce(earned.revenue, 0) * {{ var('value').margin }} as value,
        coalesce(earned.revenue_before, 0) * {{ var('value').margin }} as value_before,
        coalesce(earned.has_ordered, false) as has_ordered,
        written.customer_key is not null as is_written
    from entries
    left join earned
        on
            entries.customer_key = earned.customer_key
            and entries.entered_on = earned.entered_on
            and entries.effect_days = earned.effect_days
    left join written
        on
            entries.audience = written.audience
            and entries.customer_key = written.customer_key
)

select * from int_holdout_outcomes
