{{ config(unlogged=true) }}

with
candidates as (
    select * from {{ ref('int_audience_candidates') }}
),

problems as (
    select distinct audience from {{ ref('audience_problems') }}
),

reach as (
    select * from {{ ref('int_reach') }}
),

contacts as (
    select * from {{ ref('int_contacts') }}
),

targets as not materialized (
    select * from {{ ref('int_audience_targets') }}
),

cells as (
    {{ playbook_cells() }}
),

-- what an audience does not say itself, the member's cell of the playbook does
eligible as (
    select
        candidates.audience,
        candidates.customer_key,
        candidates.stage_since,
        candidates.last_ordered_on,
        candidates.clv_365d,
        candidates.is_held_out_everywhere,
        candidates.is_held_out_here,
        targets.number,
        targets.destination,
        targets.channel,
        targets.purpose,
        targets.is_marketing,
        targets.priority,
        targets.valid_days,
        coalesce(targets.cool_down_days, cells.cadence_days) as cadence_days,
        coalesce(targets.cool_down_days, cells.cool_down_days) as cool_down_days,
        coalesce(targets.budget, cells.budget) as budget,
        case when targets.budget is null then cells.stage || cells.tier end as budget_of,
        cells.exit_rule,
        cells.exit_days
    from candidates
    inner join targets on candidates.audience = targets.audience
    left join cells
        on
            targets.is_playbook
            and candidates.stage = cells.stage
            and candidates.abc_tier = cells.tier
    where not targets.is_playbook or cells.channel in (targets.channel, 'both')
    {{ computed_once() }}
),

-- when the same audience reached her before; only the playbook lets a stay end, and asks when it began
contacted as (
    select
        customer_key,
        audience,
        channel,
        max(decided_on) as last_decided_on,
        array_agg(decided_on) filter (
            where audience in (
                select targets.audience
                from targets
                where targets.is_playbook
            )
        ) as nights
    from contacts
    where is_still_there is not true
    group by customer_key, audience, channel
),

-- whoever was handed over stays until her days are over: she is written to once, not every night
remembered as (
    select
        eligible.*,
        contacted.last_decided_on,
        case
            when eligible.exit_days is not null then activation.first_from(contacted.nights, eligible.stage_since)
        end as stay_decided_on,
        coalesce(contacted.last_decided_on + eligible.valid_days > {{ as_of() }}, false) as is_standing,
        coalesce(eligible.last_ordered_on > contacted.last_decided_on, false) as has_ordered
    from eligible
    left join contacted
        on
            eligible.customer_key = contacted.customer_key
            and eligible.audience = contacted.audience
            and eligible.channel = contacted.channel
),

-- the first gate that closes is the reason; whoever passes all of these has none yet
int_audience_gates as (
    select
        remembered.audience,
        remembered.destination,
        remembered.customer_key,
        remembered.channel,
        remembered.purpose,
        remembered.clv_365d,
        remembered.is_held_out_everywhere or remembered.is_held_out_here as is_holdout,
        remembered.is_standing,
        remembered.budget,
        remembered.budget_of,
        -- the smallest wins: who stands, then by priority, then by the order of the file
        case
            when remembered.is_marketing
                then
                    case when remembered.is_standing then 0 else 1000000 end
                    + remembered.priority * 1000 + remembered.number
        end as rank,
        case
            when problems.audience is not null then 'audience_stopped'
            when reach.closed_by is not null then reach.closed_by
            when remembered.is_held_out_everywhere then 'holdout_universal'
            when remembered.is_held_out_here then 'holdout'
            when
                remembered.exit_rule = 'ordered' and remembered.has_ordered
                and remembered.last_decided_on + remembered.cool_down_days > {{ as_of() }}
                then 'exited'
            when remembered.stay_decided_on + remembered.exit_days <= {{ as_of() }} then 'exited'
            when remembered.is_standing then null
            when
                remembered.last_decided_on >= remembered.stage_since
                and remembered.last_decided_on + remembered.cadence_days > {{ as_of() }}
                then 'cool_down'
            when
                remembered.last_decided_on < remembered.stage_since
                and remembered.last_decided_on + remembered.cool_down_days > {{ as_of() }}
                then 'cool_down'
            when remembered.is_marketing then reach.limited_by
        end as reason
    from remembered
    inner join reach
        on
            remembered.customer_key = reach.customer_key
            and remembered.channel = reach.channel
            and remembered.purpose = reach.purpose
    left join problems on remembered.audience = problems.audience
)

select * from int_audience_gates
