{{ config(materialized='view') }}

with
gates as (
    select * from {{ ref('int_audience_gates') }}
),

-- one marketing audience per person and channel
arbitrated as (
    select
        *,
        coalesce(rank > min(rank) over (partition by customer_key, channel), false) as is_beaten
    from {{ ref('int_audience_gates') }}
    where reason is null
),

-- the budget is of people newly written to, the most valuable first
placed as (
    select
        audience,
        destination,
        customer_key,
        channel,
        purpose,
        is_holdout,
        case
            when budget < dense_rank() over (
                partition by audience, budget_of
                order by clv_365d desc nulls last, customer_key asc
            ) then 'budget'
            else 'export'
        end as reason
    from arbitrated
    where budget is not null and not is_beaten and not is_standing
),

decided as (
    select
        audience,
        destination,
        customer_key,
        channel,
        purpose,
        is_holdout,
        reason
    from gates
    where reason is not null
    union all
    select
        audience,
        destination,
        customer_key,
        channel,
        purpose,
        is_holdout,
        case when is_beaten then 'other_audience' else 'export' end as reason
    from arbitrated
    where budget is null or is_beaten or is_standing
    union all
    select * from placed
),

int_audience_decisions as (
    select
        audience,
        destination,
        customer_key,
        channel,
        purpose,
        case when reason = 'export' then 'export' else 'exclude' end as verdict,
        reason,
        is_holdout
    from decided
)

select * from int_audience_decisions
