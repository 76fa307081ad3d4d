{# one row per cohort, and one of all cohorts, whose cohort_month is null #}
with
gaps as (
    select * from {{ ref('int_order_gaps') }}
),

waits as (
    select
        cohort_month,
        order_number,
        coalesce(days_to_next, watched_days) as days,
        sum(count_customers) as count_all,
        coalesce(sum(count_customers) filter (where days_to_next is not null), 0) as count_over
    from gaps
    group by
        grouping sets (
            (cohort_month, order_number, coalesce(days_to_next, watched_days)),
            (order_number, coalesce(days_to_next, watched_days))
        )
),

medians as (
    {{ median_days('waits', ['cohort_month', 'order_number']) }}
),

counted as (
    select
        cohort_month,
        order_number,
        sum(count_all) as count_reached,
        sum(count_over) as count_went_on
    from waits
    group by cohort_month, order_number
),

order_funnel as (
    select
        {{ as_of() }} as as_of,
        counted.cohort_month,
        counted.order_number,
        cast(counted.count_reached as bigint) as count_reached,
        cast(counted.count_went_on as bigint) as count_went_on,
        round(counted.count_went_on / counted.count_reached, 6) as conversion_rate,
        {{ wilson('counted.count_went_on', 'counted.count_reached', '-') }} as conversion_rate_low,
        {{ wilson('counted.count_went_on', 'counted.count_reached', '+') }} as conversion_rate_high,
        medians.median_days as median_days_to_next
    from counted
    left join medians
        on
            counted.order_number = medians.order_number
            and counted.cohort_month is not distinct from medians.cohort_month
)

select * from order_funnel
