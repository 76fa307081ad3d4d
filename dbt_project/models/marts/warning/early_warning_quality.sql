with
warnings as (
    select * from {{ ref('fct_early_warnings') }}
),

recalled as (
    select * from {{ ref('early_warning_recall') }}
),

-- a warning counts for each of its reasons, and once for any
told as (
    select
        {{ month_of('warnings.opened_on') }} as month,
        unnest(array['any'] || string_to_array(warnings.reasons, ', ')) as reason,
        warnings.*
    from warnings
),

-- one is right or wrong when its days are over; until then even a return says nothing of the others of its month
counted as (
    select
        month,
        reason,
        count(*) as count_opened,
        count(*) filter (where outcome = 'open') as count_open,
        count(*) filter (where is_mature and outcome in ('returned', 'lost')) as count_judged,
        count(*) filter (where outcome = 'lost') as count_lost,
        sum(value_at_risk) as value_at_risk,
        cast(percentile_disc(0.5) within group (order by lead_days) as integer) as median_lead_days
    from told
    group by month, reason
),

early_warning_quality as (
    select
        coalesce(counted.month, recalled.month) as month,
        coalesce(counted.reason, recalled.reason) as reason,
        coalesce(counted.count_opened, 0) as count_opened,
        coalesce(counted.count_open, 0) as count_open,
        coalesce(counted.count_judged, 0) as count_judged,
        coalesce(counted.count_lost, 0) as count_lost,
        round(cast(counted.count_lost as numeric) / nullif(counted.count_judged, 0), 6) as precision_share,
        {{ wilson('counted.count_lost', 'counted.count_judged', '-') }} as precision_low,
        {{ wilson('counted.count_lost', 'counted.count_judged', '+') }} as precision_high,
        counted.median_lead_days,
        coalesce(counted.value_at_risk, 0) as value_at_risk,
        recalled.count_losses,
        recalled.count_warned,
        round(cast(recalled.count_warned as numeric) / nullif(recalled.count_losses, 0), 6) as recall_share,
        {{ wilson('recalled.count_warned', 'recalled.count_losses', '-') }} as recall_low,
        {{ wilson('recalled.count_warned', 'recalled.count_losses', '+') }} as recall_high
    from counted
    full outer join recalled
        on
            counted.month = recalled.month
            and counted.reason = recalled.reason
)

select * from early_warning_quality
