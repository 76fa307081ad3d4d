{{ config(materialized='view') }}

with
timeline as (
    select * from {{ ref('fct_lifecycle_timeline') }}
),

stages as (
    select * from {{ ref('dim_stages') }}
),

-- the timeline also holds what is planned after the night; here nothing of it is left
int_lived_stays as (
    select
        timeline.customer_key,
        timeline.lifecycle_model,
        timeline.stage,
        stages.phase,
        timeline.valid_from as stay_from,
        least(timeline.valid_to, {{ as_of() }} + 1) as stay_to,
        timeline.valid_to <= {{ as_of() }} as is_over,
        least(timeline.valid_to, {{ as_of() }}) - timeline.valid_from as days
    from timeline
    inner join stages
        on
            timeline.lifecycle_model = stages.lifecycle_model
            and timeline.stage = stages.stage
    where timeline.valid_from <= {{ as_of() }}
)

select * from int_lived_stays
