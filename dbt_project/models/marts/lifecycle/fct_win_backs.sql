{% set relapse_days = 180 %}

with
stays as (
    select
        *,
        phase in ('declining', 'lost') as is_away,
        lag(phase) over life in ('declining', 'lost') as was_away,
        lag(stage) over life as stage_before
    from {{ ref('int_lived_stays') }}
    window life as (partition by customer_key, lifecycle_model order by stay_from)
),

-- the days on which she begins to fade, and those on which she is won back: before each of these lies one of those
turns as (
    select
        *,
        lag(stay_from) over life as away_from,
        lead(stay_from) over life as away_again_on
    from stays
    where
        (is_away and was_away is not true)
        or (was_away and phase in ('growing', 'stable'))
    window life as (partition by customer_key, lifecycle_model order by stay_from)
),

fct_win_backs as (
    select
        customer_key,
        lifecycle_model,
        stay_from as won_back_on,
        stage_before as left_stage,
        stage as entered_stage,
        away_from,
        stay_from - away_from as days_away,
        case when away_again_on - stay_from <= {{ relapse_days }} then away_again_on end as relapsed_on,
        {{ as_of() }} - stay_from >= {{ relapse_days }} as is_mature
    from turns
    where not is_away
)

select * from fct_win_backs
