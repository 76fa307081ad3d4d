with
outcomes as (
    select
        *,
        state = 'over' as is_over
    from {{ ref('int_holdout_outcomes') }}
),

-- sums of numeric are exact in any order, so a night run again gives the same
summed as (
    select
        audience,
        is_held_out,
        case
            when grouping(stage) = 0 then 'stage'
            when grouping(abc_tier) = 0 then 'tier'
            else 'all'
        end as segmentation,
        case
            when grouping(stage) = 0 then stage
            when grouping(abc_tier) = 0 then abc_tier
            else 'all'
        end as segment,
        min(entered_on) as first_entered_on,
        min(over_on) filter (where state = 'running') as next_over_on,
        count(*) filter (where state = 'left_out') as count_left_out,
        count(*) filter (where state = 'running') as count_running,
        count(*) filter (where is_over) as count_over,
        count(*) filter (where is_over and is_written) as count_written,
        count(*) filter (where is_over and has_ordered) as count_ordered,
        coalesce(sum(value) filter (where is_over), 0) as y,
        coalesce(sum(value_before) filter (where is_over), 0) as x,
        coalesce(sum(value * value) filter (where is_over), 0) as yy,
        coalesce(sum(value_before * value_before) filter (where is_over), 0) as xx,
        coalesce(sum(value_before * value) filter (where is_over), 0) as xy
    from outcomes
    group by grouping sets (
        (audience, is_held_out), (audience, is_held_out, stage), (audience, is_held_out, abc_tier)
    )
),

int_holdout_sums as (
    select * from summed
    where segment is not null
)

select * from int_holdout_sums
