{{ config(schema='pii') }}

with
-- who was never more than an order says nothing of an address, yet may have said yes
records as (
    select
        customer_key,
        source,
        source_customer_id,
        count(*) over (partition by customer_key) as count_records
    from {{ ref('int_customer_keys') }}
),

-- of one record there is nothing to choose
alone as (
    select
        records.customer_key,
        customers.email,
        customers.phone
    from records
    inner join {{ ref('input_customers') }} as customers
        on
            records.source = customers.source
            and records.source_customer_id = customers.source_customer_id
    where records.count_records = 1
),

merged as (
    select
        records.customer_key,
        records.source,
        records.source_customer_id,
        customers.email,
        customers.phone,
        customers.is_email_verified,
        customers.changed_at
    from records
    left join {{ ref('input_customers') }} as customers
        on
            records.source = customers.source
            and records.source_customer_id = customers.source_customer_id
    where records.count_records > 1
),

ways as (
    select distinct
        channel,
        purpose
    from {{ ref('int_audience_targets') }}
),

-- a channel and a purpose on which they may be written to at all
allowed as (
    select
        consents.customer_key,
        consents.channel,
        consents.purpose
    from {{ ref('consents') }} as consents
    inner join ways
        on
            consents.channel = ways.channel
            and consents.purpose = ways.purpose
    where consents.status = 'granted' and consents.customer_key in (select merged.customer_key from merged)
),

given as (
    select
        merged.customer_key,
        merged.source,
        merged.source_customer_id,
        ways.channel,
        ways.address,
        ways.is_verified,
        merged.changed_at
    from merged
    cross join
        lateral (
            values ('email', merged.email, merged.is_email_verified), ('sms', merged.phone, true)
        ) as ways (channel, address, is_verified)
    where ways.address is not null
),

-- a yes to one address is none to another, and one for service none for marketing
yes_to as (
    select
        given.customer_key,
        given.channel,
        given.address,
        count(distinct allowed.purpose) as count_purposes
    from given
    inner join allowed
        on
            given.customer_key = allowed.customer_key
            and given.channel = allowed.channel
    inner join {{ ref('int_latest_consents') }} as latest
        on
            given.source = latest.source
            and given.source_customer_id = latest.source_customer_id
            and allowed.channel = latest.channel
            and allowed.purpose = latest.purpose
    where not latest.is_denied
    group by given.customer_key, given.channel, given.address
),

needed as (
    select
        customer_key,
        channel,
        count(*) as count_purposes
    from allowed
    group by customer_key, channel
),

-- an address serves that was given with a yes for every purpose; where there is none, nobody is written to
ranked as (
    select
        given.customer_key,
        given.channel,
        given.address,
        row_number() over (
            partition by given.customer_key, given.channel
            order by
                given.is_verified desc, given.changed_at desc nulls last,
                given.source asc, given.source_customer_id asc
        ) as place
    from given
    left join needed
        on
            given.customer_key = needed.customer_key
            and given.channel = needed.channel
    left join yes_to
        on
            given.customer_key = yes_to.customer_key
            and given.channel = yes_to.channel
            and given.address = yes_to.address
    where needed.count_purposes is null or needed.count_purposes = yes_to.count_purposes
),

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
    group by merged.customer_key
),

customer_contacts as (
    select * from alone
    union all
    select * from chosen
)

select * from customer_contacts
