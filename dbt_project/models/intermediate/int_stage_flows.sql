with
stays as (
    select * from {{ ref('int_lived_stays') }}
),

-- a life on tape: each stay on its first day, and the horizon before that, when it is what will come of her
tape as (
    select
        customer_key,
        lifecycle_model,
        stay_from as day,
        stage as stage_now,
        cast(null as text) as stage_then
    from stays
    union all
    select
        customer_key,
        lifecycle_model,
        stay_from - {{ forecast_days() }} as day,
        cast(null as text) as stage_now,
        stage as stage_then
    from stays
),

numbered as (
    select
        *,
        count(stage_now) over life as now_no,
        count(stage_then) over life as then_no,
        lead(day) over life as day_to
    from tape
    window life as (partition by customer_key, lifecycle_model order by day)
),

-- from `day` to `day_to` both are the same; origins whose horizon ends after the night are not known yet
stretches as (
    select
        lifecycle_model,
        max(stage_now) over (partition by customer_key, lifecycle_model, now_no) as from_stage,
        max(stage_then) over (partition by customer_key, lifecycle_model, then_no) as to_stage,
        {{ first_month_from('day') }} as month_from,
        {{ first_month_from('least(day_to, ' ~ as_of() ~ ' - ' ~ forecast_days() ~ ' + 1)') }} as month_to
    from numbered
),

deltas as (
    select
        stretches.lifecycle_model,
        stretches.from_stage,
        stretches.to_stage,
        step.month,
        step.delta
    from stretches
    cross join lateral (values (stretches.month_from, 1), (stretches.month_to, -1)) as step (month, delta)
    where
        stretches.from_stage is not null
        and stretches.month_from < stretches.month_to
),

flows as (
    {{ running_counts('deltas') }}
),

int_stage_flows as (
    select
        lifecycle_model,
        month as origin,
        month + {{ forecast_days() }} as target,
        from_stage,
        to_stage,
        count_customers
    from flows
)

select * from int_stage_flows
