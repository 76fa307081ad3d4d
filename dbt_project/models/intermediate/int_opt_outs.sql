-- After customer_360, so that it is built late in the night: what a tool says until then counts in this night.
-- depends_on: {{ ref('customer_360') }}

{% set gravest_first = "array['erased', 'complaint', 'unsubscribed', 'blocked', 'bounced']" %}

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
        {{ comparable_address('channel', 'address') }} as address,
        min(array_position({{ gravest_first }}, reason)) filter (where reason <> 'bounced') as wish,
        min(array_position({{ gravest_first }}, reason)) filter (where reason = 'bounced') as bounce
    from {{ source('pii', 'opt_outs') }}
    group by channel, {{ comparable_address('channel', 'address') }}
),

records as (
    select
        source_customers.source,
        source_customers.source_customer_id,
        opt_outs.*
    from source_customers
    cross join
        lateral (
            values ('email', source_customers.email), ('sms', source_customers.phone)
        ) as given (channel, address)
    inner join opt_outs
        on
            given.channel = opt_outs.channel
            and given.address = opt_outs.address
),

-- her wish counts for every address she ever gave, and for everybody who shares it; a bounce for the one in use
persons as (
    select
        keys.customer_key,
        records.channel,
        coalesce(
            records.wish,
            case when records.address in (contacts.email, contacts.phone) then records.bounce end
        ) as place
    from records
    inner join keys
        on
            records.source = keys.source
            and records.source_customer_id = keys.source_customer_id
    left join contacts on keys.customer_key = contacts.customer_key
),

-- what is left of somebody erased, and whoever gives her address anew
erased as (
    select
        keys.customer_key,
        channels.channel,
        1 as place
    from keys
    inner join {{ source('pii', 'erased_records') }} as erased_records
        on
            keys.source = erased_records.source
            and keys.source_customer_id = erased_records.pseudonym
    cross join (values ('email'), ('sms')) as channels (channel)
    union all
    select
        keys.customer_key,
        given.channel,
        1 as place
    from {{ source('pii', 'erasure_salt') }} as salts
    cross join source_customers
    cross join
        lateral (
            values ('email', source_customers.email), ('sms', source_customers.phone)
        ) as given (channel, address)
    inner join {{ source('pii', 'erased_addresses') }} as erased_addresses
        on
            given.channel = erased_addresses.channel
            and encode(sha256(convert_to(concat_ws(e'\x1f', salts.salt, given.channel, given.address), 'UTF8')), 'hex')
            = erased_addresses.address_hash
    inner join keys
        on
            source_customers.source = keys.source
            and source_customers.source_customer_id = keys.source_customer_id
),

int_opt_outs as (
    select
        customer_key,
        channel,
        ({{ gravest_first }})[min(place)] as reason
    from (
        select
            customer_key,
            channel,
            place
        from persons
        union all
        select
            customer_key,
            channel,
            place
        from erased
    ) as told
    where place is not null
    group by customer_key, channel
)

select * from int_opt_outs
