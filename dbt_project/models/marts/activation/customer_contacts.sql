{{ config(schema='pii') }}

with
records as (
    select
        keys.customer_key,
        keys.source,
        keys.source_customer_id,
        customers.email,
        customers.phone,
        customers.is_email_verified,
        customers.changed_at,
        count(*) over (partition by keys.customer_key) as count_records
    from {{ ref('int_customer_keys') }} as keys
    inner join {{ ref('input_customers') }} as customers
        on
            keys.source = customers.source
            and keys.source_customer_id = customers.source_customer_id
),

-- of one record there is nothing to choose
alone as (
    select
        customer_key,
        email,
        phone
    from records
    where count_records = 1
),

merged as (
    select * from records
    where count_records > 1
),

-- what each record's own latest words allow; of two at one moment the denial
latest as (
    select
        consents.source,
        consents.source_customer_id,
        consents.channel,
        consents.purpose,
        coalesce(max(consents.changed_at) filter (where consents.status = 'denied') = max(consents.changed_at), false)
            as is_denied
    from {{ ref('input_consents') }} as consents
    inner join merged
        on
            consents.source = merged.source
            and consents.source_customer_id = merged.source_customer_id
    group by consents.source, consents.source_customer_id, consents.channel, consents.purpose
),

granted as (
    select distinct
        source,
        source_customer_id,
        channel
    from latest
    where not is_denied
),

-- an address that any of her records gave with a yes is one that may be written to
given as (
    select
        merged.customer_key,
        ways.channel,
        ways.address,
        ways.is_verified,
        merged.changed_at,
        merged.source,
        merged.source_customer_id,
        coalesce(bool_or(granted.channel is not null) over (
            partition by merged.customer_key, ways.channel, ways.address
        ), false) as is_granted,
        coalesce(bool_or(granted.channel is not null) over (
            partition by merged.customer_key, ways.channel
        ), false) as is_any_granted
    from merged
    cross join
        lateral (
            values ('email', merged.email, merged.is_email_verified), ('sms', merged.phone, true)
        ) as ways (channel, address, is_verified)
    left join granted
        on
            merged.source = granted.source
            and merged.source_customer_id = granted.source_customer_id
            and ways.channel = granted.channel
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_key, channel
            order by
                is_granted desc, is_verified desc, changed_at desc nulls last,
                source asc, source_customer_id asc
        ) as place
    from given
    where address is not null
),

-- a yes to one address is none to another: where only a record without one said yes, there is none to write to
chosen as (
    select
        merged.customer_key,
        max(ranked.address) filter (where ranked.channel = 'email') as email,
        max(ranked.address) filter (where ranked.channel = 'sms') as phone
    from (select distinct merged.customer_key from merged) as merged
    left join ranked
        on
            merged.customer_key = ranked.customer_key
            and ranked.place = 1
            and (ranked.is_granted or not ranked.is_any_granted)
    group by merged.customer_key
),

customer_contacts as (
    select * from alone
    union all
    select * from chosen
)

select * from customer_contacts
