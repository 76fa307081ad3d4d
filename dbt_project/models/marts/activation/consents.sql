{# the planner would sort by the one source that everybody has, and have every worker group all statements anew #}
{{ config(pre_hook=["set local enable_mergejoin = off", "set local max_parallel_workers_per_gather = 0"]) }}

with
-- a denial also counts for everybody who shares the address of its record, whatever the night knows of the record
records as (
    select
        source,
        source_customer_id,
        customer_key,
        true as is_her_own
    from {{ ref('int_customer_keys') }}
    union all
    select
        source,
        source_customer_id,
        customer_key,
        false as is_her_own
    from {{ ref('int_addresses') }}
),

-- within a record of a source the latest statement counts; of two at one moment the denial
latest as (
    select
        source,
        source_customer_id,
        channel,
        purpose,
        max(changed_on) as changed_on,
        max(changed_at) as changed_at,
        coalesce(max(changed_at) filter (where status = 'denied') = max(changed_at), false) as is_denied
    from {{ ref('input_consents') }}
    group by source, source_customer_id, channel, purpose
),

-- across sources and merged members the most restrictive counts
consents as (
    select distinct on (records.customer_key, latest.channel, latest.purpose)
        records.customer_key,
        latest.channel,
        latest.purpose,
        case when latest.is_denied then 'denied' else 'granted' end as status,
        latest.changed_on as since,
        latest.source
    from latest
    inner join records
        on
            latest.source = records.source
            and latest.source_customer_id = records.source_customer_id
    where records.is_her_own or latest.is_denied
    order by
        records.customer_key asc, latest.channel asc, latest.purpose asc,
        latest.is_denied desc, latest.changed_at desc, latest.source asc
)

select * from consents
