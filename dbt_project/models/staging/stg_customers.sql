{{ config(schema='pii') }}

with
newest as (
    {{ newest_version('customers', ['customer_id'], version='changed_at') }}
),

-- a source that tells of a customer with every order tells a later date each time: the first one counts
first_registered as (
    select
        raw_customers.source,
        raw_customers.customer_id,
        min(raw_customers.registered_at) as registered_at
    from {{ source('raw', 'customers') }} as raw_customers
    inner join {{ source('ops', 'batches') }} as batches on raw_customers.batch_id = batches.batch_id
    where batches.as_of <= {{ as_of() }}
    group by raw_customers.source, raw_customers.customer_id
),

stg_customers as (
    select
        newest.source,
        newest.customer_id,
        newest.email,
        newest.phone,
        newest.country,
        newest.acquisition_source,
        newest.loyalty_number,
        newest.email_verified,
        newest.changed_at,
        {{ business_day('first_registered.registered_at') }} as registered_on
    from newest
    inner join first_registered
        on
            newest.source = first_registered.source
            and newest.customer_id = first_registered.customer_id
)

select * from stg_customers
