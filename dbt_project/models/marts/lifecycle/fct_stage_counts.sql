with
stays as (
    select * from {{ ref('int_lived_stays') }}
),

stages as (
    select * from {{ ref('dim_stages') }}
),

moves as (
    select
        lifecycle_model,
        stage,
        stay_from as day,
        count(*) as count_entered,
        0 as count_left
    from stays
    group by lifecycle_model, stage, stay_from
    union all
    select
        lifecycle_model,
        stage,
        stay_to as day,
        0 as count_entered,
        count(*) as count_left
    from stays
    where is_over
    group by lifecycle_model, stage, stay_to
),

days as (
    select cast(generate_series(min(day), {{ as_of() }}, interval '1 day') as date) as day
    from moves
),

moves_by_day as (
    select
        stages.lifecycle_model,
        days.day,
        stages.stage,
        coalesce(sum(moves.count_entered), 0) as count_entered,
        coalesce(sum(moves.count_left), 0) as count_left
    from stages
    cross join days
    left join moves
        on
            stages.lifecycle_model = moves.lifecycle_model
            and stages.stage = moves.stage
            and days.day = moves.day
    group by stages.lifecycle_model, days.day, stages.stage
),

fct_stage_counts as (
    select
        lifecycle_model,
        day,
        stage,
        cast(sum(count_entered - count_left) over (
            partition by lifecycle_model, stage
            order by day
        ) as bigint) as count_customers,
        cast(count_entered as bigint) as count_entered,
        cast(count_left as bigint) as count_left
    from moves_by_day
)

select * from fct_stage_counts
