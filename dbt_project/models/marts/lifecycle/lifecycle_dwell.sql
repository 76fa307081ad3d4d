with
stages as (
    select * from {{ ref('dim_stages') }}
),

stays as (
    select
        *,
        lead(phase) over (partition by customer_key, lifecycle_model order by stay_from) as next_phase
    from {{ ref('int_lived_stays') }}
),

dwelt as (
    select
        lifecycle_model,
        stage,
        count(*) filter (where is_over) as count_completed,
        count(*) filter (where not is_over) as count_running,
        percentile_cont(array[0.25, 0.5, 0.75]) within group (order by days) filter (where is_over) as percentiles,
        avg(days) filter (where is_over) as mean_days,
        {% for phase in ['potential', 'growing', 'stable', 'declining', 'lost'] %}
            count(*) filter (where next_phase = '{{ phase }}') as count_to_{{ phase }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from stays
    group by lifecycle_model, stage
),

durations as (
    select
        lifecycle_model,
        stage,
        days,
        count(*) as count_all,
        count(*) filter (where is_over) as count_over
    from stays
    group by lifecycle_model, stage, days
),

medians as (
    {{ median_days('durations', ['lifecycle_model', 'stage']) }}
),

lifecycle_dwell as (
    select
        {{ as_of() }} as as_of,
        stages.lifecycle_model,
        stages.stage,
        coalesce(dwelt.count_completed, 0) as count_completed,
        coalesce(dwelt.count_running, 0) as count_running,
        round(cast(dwelt.percentiles[1] as numeric), 1) as days_p25,
        round(cast(dwelt.percentiles[2] as numeric), 1) as days_p50,
        round(cast(dwelt.percentiles[3] as numeric), 1) as days_p75,
        round(dwelt.mean_days, 1) as days_mean,
        medians.median_days,
        {% for phase in ['potential', 'growing', 'stable', 'declining', 'lost'] %}
            round(
                cast(dwelt.count_to_{{ phase }} as numeric) / nullif(dwelt.count_completed, 0), 6
            ) as share_to_{{ phase }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from stages
    left join dwelt
        on
            stages.lifecycle_model = dwelt.lifecycle_model
            and stages.stage = dwelt.stage
    left join medians
        on
            stages.lifecycle_model = medians.lifecycle_model
            and stages.stage = medians.stage
)

select * from lifecycle_dwell
