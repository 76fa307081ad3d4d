with
firsts as (
    select * from {{ ref('int_first_orders') }}
),

models as (
    select distinct lifecycle_model
    from {{ ref('dim_stages') }}
),

-- stable stages that follow each other are one stay
stays as (
    select
        stays.*,
        firsts.cohort_month,
        stays.phase = 'stable' as is_stable,
        coalesce(lag(stays.phase = 'stable') over life, false) as was_stable
    from {{ ref('int_lived_stays') }} as stays
    inner join firsts on stays.customer_key = firsts.customer_key
    window life as (partition by stays.customer_key, stays.lifecycle_model order by stays.stay_from)
),

turns as (
    select
        *,
        lead(stay_from) over life as left_on,
        row_number() over life as turn_no
    from stays
    where is_stable <> was_stable
    window life as (partition by customer_key, lifecycle_model order by stay_from)
),

lives as (
    select
        models.lifecycle_model,
        firsts.*
    from firsts
    cross join models
),

-- days from one thing to the next, or how long we have waited for it so far
waits as (
    select
        lifecycle_model,
        cohort_month,
        'second_order' as waits_for,
        first_order_on as wait_from,
        second_order_on as wait_to
    from lives
    union all
    select
        lives.lifecycle_model,
        lives.cohort_month,
        'stable' as waits_for,
        lives.first_order_on as wait_from,
        turns.stay_from as wait_to
    from lives
    left join turns
        on
            lives.customer_key = turns.customer_key
            and lives.lifecycle_model = turns.lifecycle_model
            and turns.turn_no = 1
    union all
    select
        lifecycle_model,
        cohort_month,
        'end_of_stable' as waits_for,
        stay_from as wait_from,
        left_on as wait_to
    from turns
    where is_stable
),

int_spells as (
    select
        lifecycle_model,
        cohort_month,
        waits_for,
        coalesce(wait_to, {{ as_of() }}) - wait_from as days,
        count(*) as count_all,
        count(wait_to) as count_over
    from waits
    group by lifecycle_model, cohort_month, waits_for, days
)

select * from int_spells
