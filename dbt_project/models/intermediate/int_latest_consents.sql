with
int_latest_consents as (
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
)

select * from int_latest_consents
