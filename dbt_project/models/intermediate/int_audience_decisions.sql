{{ config(materialized='view') }}

with
gates as (
    select * from {{ ref('int_audience_gates') }}
),

passing as (
    select * from {{ ref('int_audience_gates') }}
    where reason is null
),

-- one marketing audience per person and channel
winners as (
    select
        customer_key,
        channel,
        min(rank) as rank
    from {{ ref('int_audience_gates') }}
    where reason is null
    group by customer_key, channel
),

arbitrated as (
    select
        passing.*,
        coalesce(passing.rank > winners.rank, false) as is_beaten
    from passing
    inner join winners
        on
            passing.customer_key = winners.customer_key
            and passing.channel = winners.channel
),

-- the budget is of people newly written to, the most valuable first
placed as (
    select
        *,
        dense_rank() over (
            partition by audience, budget_of, is_beaten or is_standing or budget is null
            order by clv_365d desc nulls last, customer_key asc
        ) as place
    from arbitrated
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
        case
            when is_beaten then 'other_audience'
            when place > budget and not is_standing then 'budget'
            else 'export'
        end as reason
    from placed
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
