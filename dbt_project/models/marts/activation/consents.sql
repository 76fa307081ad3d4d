{# the planner would sort by the one source that everybody has, and have every worker group all statements anew #}
{{ config(pre_hook=["set local enable_mergejoin = off", "set local max_parallel_workers_per_gather = 0"]) }}

with
latest as (
    select * from {{ ref('int_latest_consents') }}
),

-- what her records say; what a record denied that its source gave up, whoever had it then; what somebody denied who has
-- an address of hers; and what came while she was merged with somebody stays hers when they part
statements as (
    select
        keys.customer_key,
        latest.channel,
        latest.purpose,
        latest.is_denied,
        latest.changed_on,
        latest.changed_at,
        latest.source
    from latest
    inner join {{ ref('int_customer_keys') }} as keys
        on
            latest.source = keys.source
            and latest.source_customer_id = keys.source_customer_id
    union all
    select
        gone.customer_key,
        latest.channel,
        latest.purpose,
        latest.is_denied,
        latest.changed_on,
        latest.changed_at,
        latest.source
    from latest
    inner join {{ ref('int_gone_records') }} as gone
        on
            latest.source = gone.source
            and latest.source_customer_id = gone.source_customer_id
    where latest.is_denied
    {% for denials in ['int_shared_denials', 'int_inherited_denials'] %}
        union all
        select
            customer_key,
            channel,
            purpose,
            true as is_denied,
            changed_on,
            changed_at,
            source
        from {{ ref(denials) }}
    {% endfor %}
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
