{# one row per cohort, and one of all cohorts, whose cohort_month is null #}
{% set all_and_cohorts = 'grouping sets ((lifecycle_model, cohort_month), (lifecycle_model))' %}

with
firsts as (
    select * from {{ ref('int_first_orders') }}
),

spells as (
    select
        lifecycle_model,
        cohort_month,
        waits_for,
        days,
        sum(count_all) as count_all,
        sum(count_over) as count_over
    from {{ ref('int_spells') }}
    group by grouping sets ((lifecycle_model, cohort_month, waits_for, days), (lifecycle_model, waits_for, days))
),

medians as (
    {{ median_days('spells', ['lifecycle_model', 'cohort_month', 'waits_for']) }}
),

waited as (
    select
        spells.lifecycle_model,
        spells.cohort_month,
        {% for event in ['second_order', 'stable', 'end_of_stable'] %}
            coalesce(sum(spells.count_all) filter (where spells.waits_for = '{{ event }}'), 0) as count_{{ event }}_all,
            coalesce(sum(spells.count_over) filter (where spells.waits_for = '{{ event }}'), 0) as count_{{ event }},
            min(medians.median_days) filter (where spells.waits_for = '{{ event }}') as days_to_{{ event }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from spells
    left join medians
        on
            spells.lifecycle_model = medians.lifecycle_model
            and spells.cohort_month is not distinct from medians.cohort_month
            and spells.waits_for = medians.waits_for
    group by spells.lifecycle_model, spells.cohort_month
),

-- nobody can change before the first order, so that time does not count; all prospects would seem steady
changed as (
    select
        stays.lifecycle_model,
        firsts.cohort_month,
        count(*) filter (where stays.stay_from > firsts.first_order_on) as count_changes,
        sum({{ as_of() }} - firsts.first_order_on) filter (where not stays.is_over) / 365.0 as customer_years
    from {{ ref('int_lived_stays') }} as stays
    inner join firsts on stays.customer_key = firsts.customer_key
    group by {{ all_and_cohorts }}
),

declined as (
    select
        months.lifecycle_model,
        firsts.cohort_month,
        sum(months.count_months) as stable_months,
        count(*) filter (where months.next_phase in ('declining', 'lost')) as count_declined
    from {{ ref('int_month_stays') }} as months
    inner join firsts on months.customer_key = firsts.customer_key
    where months.phase = 'stable'
    group by {{ all_and_cohorts }}
),

won_back as (
    select
        win_backs.lifecycle_model,
        firsts.cohort_month,
        count(*) as count_win_backs,
        count(win_backs.relapsed_on) as count_relapses,
        count(*) filter (where win_backs.is_mature) as count_mature_win_backs,
        count(win_backs.relapsed_on) filter (where win_backs.is_mature) as count_mature_relapses
    from {{ ref('fct_win_backs') }} as win_backs
    inner join firsts on win_backs.customer_key = firsts.customer_key
    group by {{ all_and_cohorts }}
),

lifecycle_kpis as (
    select
        {{ as_of() }} as as_of,
        waited.lifecycle_model,
        waited.cohort_month,
        cast(waited.count_second_order_all as bigint) as count_customers,
        cast(waited.count_second_order as bigint) as count_second_orders,
        waited.days_to_second_order as median_days_to_second_order,
        cast(waited.count_stable as bigint) as count_reached_stable,
        waited.days_to_stable as median_days_to_stable,
        cast(waited.count_end_of_stable_all as bigint) as count_stable_stays,
        waited.days_to_end_of_stable as median_stable_days,
        coalesce(declined.stable_months, 0) as stable_months,
        coalesce(declined.count_declined, 0) as count_declined,
        round(cast(declined.count_declined as numeric) / nullif(declined.stable_months, 0), 6) as decline_rate,
        {{ wilson('declined.count_declined', 'declined.stable_months', '-') }} as decline_rate_low,
        {{ wilson('declined.count_declined', 'declined.stable_months', '+') }} as decline_rate_high,
        changed.count_changes,
        round(changed.customer_years, 2) as customer_years,
        round(changed.count_changes / nullif(changed.customer_years, 0), 2) as changes_per_year,
        coalesce(won_back.count_win_backs, 0) as count_win_backs,
        coalesce(won_back.count_relapses, 0) as count_relapses,
        coalesce(won_back.count_mature_win_backs, 0) as count_mature_win_backs,
        round(
            cast(won_back.count_mature_relapses as numeric) / nullif(won_back.count_mature_win_backs, 0), 6
        ) as relapse_share
    from waited
    inner join changed
        on
            waited.lifecycle_model = changed.lifecycle_model
            and waited.cohort_month is not distinct from changed.cohort_month
    left join declined
        on
            waited.lifecycle_model = declined.lifecycle_model
            and waited.cohort_month is not distinct from declined.cohort_month
    left join won_back
        on
            waited.lifecycle_model = won_back.lifecycle_model
            and waited.cohort_month is not distinct from won_back.cohort_month
)

select * from lifecycle_kpis
