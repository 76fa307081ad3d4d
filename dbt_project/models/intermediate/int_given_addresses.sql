{{ config(schema='pii') }}

with
versions as (
    select
        raw_customers.source,
        raw_customers.customer_id,
        raw_customers.email,
        raw_customers.phone,
        min(batches.as_of) as given_on
    from {{ source('raw', 'customers') }} as raw_customers
    inner join {{ source('ops', 'batches') }} as batches on raw_customers.batch_id = batches.batch_id
    where batches.as_of <= {{ as_of() }}
    group by raw_customers.source, raw_customers.customer_id, raw_customers.email, raw_customers.phone
),

-- whatever the night knows of the record: who registers after it has an address as well
int_given_addresses as (
    select
        versions.source,
        versions.customer_id as source_customer_id,
        given.channel,
        given.address,
        min(versions.given_on) as given_on
    from versions
    cross join
        lateral (
            values
            ('email', {{ usable_email('versions.email') }}),
            ('sms', {{ usable_phone('versions.phone') }})
        ) as given (channel, address)
    where given.address is not null
    group by versions.source, versions.customer_id, given.channel, given.address
)

select * from int_given_addresses
