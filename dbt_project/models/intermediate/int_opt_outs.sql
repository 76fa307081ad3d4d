{{ config(materialized='view') }}

-- a view: what a tool says between two tasks of a night counts in this night
with
keys as (
    select * from {{ ref('int_customer_keys') }}
),

source_customers as (
    select * from {{ ref('input_customers') }}
),

contacts as (
    select * from {{ ref('customer_contacts') }}
),

opt_outs as (
    select
        channel,
        reason,
        {{ comparable_address('channel', 'address') }} as address
    from {{ source('pii', 'opt_outs') }}
),

-- her wish counts for every address she ever gave, and for everybody who shares it; a bounce for the one in use
addresses as (
    select
        keys.customer_key,
        'email' as channel,
        source_customers.email as address
    from source_customers
    inner join keys
        on
            source_customers.source = keys.source
            and source_customers.source_customer_id = keys.source_customer_id
    union all
    select
        keys.customer_key,
        'sms' as channel,
        source_customers.phone as address
    from source_customers
    inner join keys
        on
            source_customers.source = keys.source
            and source_customers.source_customer_id = keys.source_customer_id
),

persons as (
    select
        addresses.customer_key,
        opt_outs.channel,
        opt_outs.reason
    from opt_outs
    inner join addresses
        on
            opt_outs.channel = addresses.channel
            and opt_outs.address = addresses.address
    left join contacts on addresses.customer_key = contacts.customer_key
    where
        opt_outs.reason <> 'bounced'
        or opt_outs.address in (contacts.email, contacts.phone)
),

-- of several reasons the gravest
int_opt_outs as (
    select distinct on (customer_key, channel)
        customer_key,
        channel,
        reason
    from persons
    order by
        customer_key,
        channel,
        array_position(array['complaint', 'unsubscribed', 'blocked', 'bounced'], reason)
)

select * from int_opt_outs
