{# one row per cohort, and one of all cohorts, whose cohort_month is null #}
with
gaps as (
    select * from {{ ref('int_order_gaps') }}
),

horizons as (
    select * from (values (30), (60), (90), (180), (365)) as horizons (within_days)
),

-- who was not watched for so long says nothing yet, also if she has ordered again: only those would be left
counted as (
    select
        gaps.cohort_month,
        gaps.order_number,
        horizons.within_days,
        sum(gaps.count_customers) as count_reached,
        coalesce(
            sum(gaps.count_customers) filter (where gaps.watched_days >= horizons.within_days), 0
        ) as count_observed,
        coalesce(
            sum(gaps.count_customers) filter (
                where gaps.watched_days >= horizons.within_days
                and gaps.days_to_next <= horizons.within_days
            ), 0
        ) as count_repeated
    from gaps
    cross join horizons
    group by
        grouping sets (
            (gaps.cohort_month, gaps.order_number, horizons.within_days), (gaps.order_number, horizons.within_days)
        )
),

repurchase as (
    select
        {{ as_of() }} as as_of,
        cohort_month,
        order_number,
        within_days,
        cast(count_reached as bigint) as count_reached,
        cast(count_observed as bigint) as count_observed,
        cast(count_repeated as bigint) as count_repeated,
        round(count_repeated / nullif(count_observed, 0), 6) as repurchase_rate,
        {{ wilson('count_repeated', 'count_observed', '-') }} as repurchase_rate_low,
        {{ wilson('count_repeated', 'count_observed', '+') }} as repurchase_rate_high,
        count_observed = count_reached as is_mature
    from counted
)

select * from repurchase
