{% set gates = [
    'audience_stopped', 'erased', 'no_address', 'consent_denied', 'no_consent', 'complaint', 'unsubscribed', 'blocked',
    'bounced', 'holdout_universal', 'holdout', 'exited', 'cool_down', 'limit_1_day', 'limit_7_days', 'limit_30_days',
    'other_audience', 'budget', 'export'
] %}

with
verdicts as (
    select * from {{ ref('audience_verdicts') }}
    where valid_to = 'infinity'
),

targets as (
    {{ targets() }}
),

gates as (
    select *
    from
        unnest(array[
            {% for gate in gates %}
                '{{ gate }}'{% if not loop.last %},{% endif %}
            {% endfor %}
        ])
        with ordinality as gates (reason, gate)
),

counted as (
    select
        audience,
        destination,
        reason,
        count(*) as count_ended
    from verdicts
    group by audience, destination, reason
),

-- every gate has a row, also where nobody came so far
ended as (
    select
        targets.audience,
        targets.destination,
        targets.channel,
        cast(gates.gate as integer) as gate,
        gates.reason,
        coalesce(counted.count_ended, 0) as count_ended
    from targets
    cross join gates
    left join counted
        on
            targets.audience = counted.audience
            and targets.destination = counted.destination
            and gates.reason = counted.reason
),

audience_waterfall as (
    select
        {{ as_of() }} as as_of,
        audience,
        destination,
        channel,
        gate,
        reason,
        cast(sum(count_ended) over following as bigint) as count_before,
        count_ended,
        cast(sum(count_ended) over following as bigint) - count_ended as count_after
    from ended
    window following as (
        partition by audience, destination
        order by gate
        rows between current row and unbounded following
    )
)

select * from audience_waterfall
