{# the planner would sort by the one source that everybody has, and have every worker group all statements anew #}
{{ config(pre_hook=["set local enable_mergejoin = off", "set local max_parallel_workers_per_gather = 0"]) }}

with
-- a denial also counts for everybody who shares the address of its record, whatever the night knows of the record, and
-- for whoever had the record when its source gave it up; who shares a number only, is denied what goes to that number
records as (
    select
        source,
        source_customer_id,
        customer_key,
        cast(null as text) as shared
    from {{ ref('int_customer_keys') }}
    union all
    select
        source,
        source_customer_id,
        customer_key,
        shared
    from {{ ref('int_addresses') }}
    union all
    select
        source,
        source_customer_id,
        customer_key,
        'record' as shared
    from {{ ref('int_gone_records') }}
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

-- a denial that came while she was merged with somebody stays hers when they part
statements as (
    select
        records.customer_key,
        latest.channel,
        latest.purpose,
        latest.is_denied,
        latest.changed_on,
        latest.changed_at,
        latest.source
    from latest
    inner join records
        on
            latest.source = records.source
            and latest.source_customer_id = records.source_customer_id
    where records.shared is null or (latest.is_denied and (records.shared <> 'phone' or latest.channel = 'sms'))
    union all
    select
        customer_key,
        channel,
        purpose,
        true as is_denied,
        changed_on,
        changed_at,
        source
    from {{ ref('int_inherited_denials') }}
),

-- across sources and merged members the most restrictive counts
consents as (
    select distinct on (customer_key, channel, purpose)
        customer_key,
        channel,
        purpose,
        case when is_denied then 'denied' else 'granted' end as status,
        changed_on as since,
        source
    from statements
    order by
        customer_key asc, channel asc, purpose asc,
        is_denied desc, changed_at desc, source asc
)

select * from consents
