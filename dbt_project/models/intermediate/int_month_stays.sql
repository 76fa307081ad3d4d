{{ config(materialized='view') }}

with
stays as (
    select
        *,
        {{ first_month_from('stay_from') }} as month_from,
        {{ first_month_from('stay_to') }} as month_to
    from {{ ref('int_lived_stays') }}
),

-- stays tile a life, so the next one that holds a month's first day holds that of month_to
followed as (
    select
        *,
        lead(stage) over life as next_stage,
        lead(phase) over life as next_phase
    from stays
    where month_from < month_to
    window life as (partition by customer_key, lifecycle_model order by month_from)
),

-- what becomes of her in the month of the night is not known yet
int_month_stays as (
    select
        customer_key,
        lifecycle_model,
        stage,
        phase,
        month_from,
        month_to,
        next_stage,
        next_phase,
        cast(
            extract(year from age(month_to, month_from)) * 12 + extract(month from age(month_to, month_from)) as integer
        ) - case when next_stage is null then 1 else 0 end as count_months
    from followed
)

select * from int_month_stays
