{{ config(materialized='view') }}

with
timeline as (
    select * from {{ ref('fct_lifecycle_timeline') }}
),

-- the interval after tonight's is what will happen unless she does something
followed as (
    select
        *,
        lead(stage) over life as following_stage,
        lead(valid_from) over life as following_on
    from timeline
    window life as (partition by customer_key, lifecycle_model order by valid_from)
),

customer_lifecycle as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        lifecycle_model,
        stage,
        valid_from as stage_since,
        following_stage as next_stage,
        following_on as next_stage_on
    from followed
    where valid_from <= {{ as_of() }} and valid_to > {{ as_of() }}
)

select * from customer_lifecycle
