with
consents as (
    select * from {{ ref('stg_consents') }}
),

-- a denial counts from the night we know of it, whatever date it carries; a grant never before its date
input_consents as (
    select
        source,
        customer_id as source_customer_id,
        channel,
        purpose,
        status,
        changed_at,
        changed_on,
        received_on
    from consents
    where status = 'denied' or changed_on <= {{ as_of() }}
)

select * from input_consents
