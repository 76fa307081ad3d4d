with
stays as (
    select
        *,
        cast(month_to - interval '1 month' as date) as last_month
    from {{ ref('int_month_stays') }}
),

deltas as (
    select
        stays.lifecycle_model,
        stays.stage as from_stage,
        step.to_stage,
        step.month,
        step.delta
    from stays
    cross join
        lateral (
            values
            -- still there a month later, in every month but the last
            (stays.stage, stays.month_from, 1),
            (stays.stage, stays.last_month, -1),
            -- somewhere else after the last one; that is not known yet for the current stay
            (stays.next_stage, stays.last_month, 1),
            (stays.next_stage, stays.month_to, -1)
        ) as step (to_stage, month, delta)
    where step.to_stage is not null
),

moves as (
    {{ running_counts('deltas') }}
),

counted as (
    select
        *,
        sum(count_customers) over (partition by lifecycle_model, month, from_stage) as count_from
    from moves
),

fct_stage_transitions as (
    select
        lifecycle_model,
        month,
        from_stage,
        to_stage,
        count_customers,
        cast(count_from as bigint) as count_from,
        round(count_customers / count_from, 6) as probability,
        {{ wilson('count_customers', 'count_from', '-') }} as probability_low,
        {{ wilson('count_customers', 'count_from', '+') }} as probability_high
    from counted
)

select * from fct_stage_transitions
