with
measured as (
    {{ measured() }}
),

past as (
    select * from {{ ref('int_past_outcomes') }}
),

cells as (
    select
        audience,
        stage,
        abc_tier,
        count(*) as count_people
    from {{ ref('int_holdout_draws') }}
    group by audience, stage, abc_tier
),

-- what people in the same stages and tiers did in as many days is what these are expected to do
expected as (
    select
        measured.audience,
        coalesce(sum(cells.count_people), 0) as count_people,
        {% for moment in ['y', 'x', 'yy', 'xx', 'xy'] %}
            sum(cells.count_people * past.{{ moment }}) / sum(cells.count_people) filter (
                where past.stage is not null
            ) as {{ moment }}{% if not loop.last %},{% endif %}
        {% endfor %}
    from measured
    left join cells on measured.audience = cells.audience
    left join past
        on
            measured.effect_days = past.effect_days
            and cells.stage = past.stage
            and cells.abc_tier = past.abc_tier
    group by measured.audience
),

spread as (
    select
        measured.*,
        expected.count_people,
        round(measured.holdout / 10000.0, 4) as holdout_share,
        expected.count_people * (1 - measured.holdout / 10000.0) as count_treated,
        expected.count_people * measured.holdout / 10000.0 as count_held,
        expected.y as mean_value,
        abs(expected.yy - expected.y * expected.y) as variance,
        (expected.xy - expected.x * expected.y) / nullif(sqrt(
            abs(expected.yy - expected.y * expected.y) * abs(expected.xx - expected.x * expected.x)
        ), 0) as correlation
    from measured
    inner join expected on measured.audience = expected.audience
    {{ computed_once() }}
),

powered as (
    select
        *,
        case
            when count_held >= {{ fewest_in_arm() }}
                then
                    {{ detectable_errors('count_treated', 'count_held') }} * sqrt(
                        variance * (1 - coalesce(correlation * correlation, 0)) * (1 / count_treated + 1 / count_held)
                    )
        end as min_detectable_effect
    from spread
),

holdout_power as (
    select
        {{ as_of() }} as as_of,
        audience,
        label_en as audience_en,
        label_zh as audience_zh,
        effect_days,
        holdout_share,
        cast(count_people as bigint) as count_people,
        cast(round(count_held) as bigint) as count_held,
        round(cast(mean_value as numeric), 4) as mean_value,
        round(cast(sqrt(variance) as numeric), 4) as standard_deviation,
        round(cast(correlation as numeric), 6) as correlation,
        round(cast(correlation * correlation as numeric), 6) as variance_reduction,
        round(cast(min_detectable_effect as numeric), 4) as min_detectable_effect,
        round(cast(min_detectable_effect / nullif(mean_value, 0) as numeric), 6) as min_detectable_share
    from powered
)

select * from holdout_power
