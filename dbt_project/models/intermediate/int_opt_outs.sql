-- After customer_360, so that it is built late in the night: what a tool says until then counts in this night.
-- depends_on: {{ ref('customer_360') }}

{% set gravest_first = "array['erased', 'complaint', 'unsubscribed', 'blocked', 'bounced']" %}

with
records as (
    select
        source,
        source_customer_id,
        customer_key
    from {{ ref('int_customer_keys') }}
    union all
    select
        source,
        source_customer_id,
        customer_key
    from {{ ref('int_gone_records') }}
),

bounces as (
    select distinct
        channel,
        {{ comparable_address('channel', 'address') }} as address
    from {{ source('pii', 'opt_outs') }}
    where reason = 'bounced'
),

-- what is left of somebody erased, and whoever gives her address anew
erased as (
    select
        records.customer_key,
        channels.channel
    from records
    inner join {{ source('pii', 'erased_records') }} as erased_records
        on
            records.source = erased_records.source
            and records.source_customer_id = erased_records.pseudonym
    cross join (values ('email'), ('sms')) as channels (channel)
    union all
    select
        records.customer_key,
        given.channel
    from {{ source('pii', 'erasure_salt') }} as salts
    cross join {{ ref('int_given_addresses') }} as given
    inner join {{ source('pii', 'erased_addresses') }} as erased_addresses
        on
            given.channel = erased_addresses.channel
            and encode(sha256(convert_to(concat_ws(e'\x1f', salts.salt, given.channel, given.address), 'UTF8')), 'hex')
            = erased_addresses.address_hash
    inner join records
        on
            given.source = records.source
            and given.source_customer_id = records.source_customer_id
),

-- a wish counts for every address that any record of hers ever gave, and for everybody who did
said as (
    select
        records.customer_key,
        wishes.channel,
        wishes.reason
    from {{ ref('int_wishes') }} as wishes
    inner join records
        on
            wishes.source = records.source
            and wishes.source_customer_id = records.source_customer_id
    union all
    -- a bounce for the address in use
    select
        contacts.customer_key,
        ways.channel,
        'bounced' as reason
    from {{ ref('customer_contacts') }} as contacts
    cross join lateral (values ('email', contacts.email), ('sms', contacts.phone)) as ways (channel, address)
    inner join bounces
        on
            ways.channel = bounces.channel
            and ways.address = bounces.address
    union all
    select
        customer_key,
        channel,
        'erased' as reason
    from erased
),

int_opt_outs as (
    select
        customer_key,
        channel,
        ({{ gravest_first }})[min(array_position({{ gravest_first }}, reason))] as reason
    from said
    group by customer_key, channel
)

select * from int_opt_outs
