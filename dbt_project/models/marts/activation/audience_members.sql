{{ config(materialized='view') }}

with
verdicts as (
    select * from {{ ref('audience_verdicts') }}
),

reach as (
    select * from {{ ref('int_reach') }}
),

targets as (
    {{ targets() }}
),

audience_members as (
    select
        {{ as_of() }} as as_of,
        verdicts.audience,
        verdicts.customer_key,
        verdicts.verdict,
        verdicts.reason,
        verdicts.channel,
        verdicts.purpose,
        verdicts.destination,
        verdicts.is_holdout,
        verdicts.valid_from as since,
        case
            when targets.respects_quiet_hours then reach.send_at
            else cast('{{ var("ready_at") }}' as timestamptz)
        end as earliest_send_at,
        reach.send_on
    from verdicts
    inner join targets
        on
            verdicts.audience = targets.audience
            and verdicts.destination = targets.destination
    inner join reach
        on
            verdicts.customer_key = reach.customer_key
            and verdicts.channel = reach.channel
            and verdicts.purpose = reach.purpose
    where verdicts.valid_to = 'infinity'
)

select * from audience_members
