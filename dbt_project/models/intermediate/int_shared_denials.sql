{# with workers it takes twice as long: each of them builds all tables of hashes anew #}
{{ config(pre_hook="set local max_parallel_workers_per_gather = 0") }}

with
denials as (
    select * from {{ ref('int_latest_consents') }}
    where is_denied
),

-- whatever the night knows of the record: the denial of who registers after it counts now. A source that knows
-- customers by e-mail only may deliver one without a usable record; a number is denied SMS only
addressed as (
    select
        denials.channel,
        denials.purpose,
        denials.changed_on,
        denials.changed_at,
        denials.source,
        ways.address
    from denials
    left join {{ ref('stg_customers') }} as customers
        on
            denials.source = customers.source
            and denials.source_customer_id = customers.customer_id
    cross join
        lateral (
            values
            ('email:' || md5({{ usable_email('customers.email') }})),
            (case when denials.channel = 'sms' then 'phone:' || md5({{ usable_phone('customers.phone') }}) end),
            (case when denials.source_customer_id like 'email:%' then denials.source_customer_id end)
        ) as ways (address)
    where ways.address is not null
),

-- before anybody is looked for: of an address that many share every denial once
denied as (
    select distinct on (address, channel, purpose) *
    from addressed
    order by address asc, channel asc, purpose asc, changed_at desc, source asc
),

customers as (
    select
        keys.customer_key,
        customers.email,
        customers.phone
    from {{ ref('input_customers') }} as customers
    inner join {{ ref('int_customer_keys') }} as keys
        on
            customers.source = keys.source
            and customers.source_customer_id = keys.source_customer_id
),

-- who have nothing in common but what they typed for want of an address share none
persons as (
    select
        customer_key,
        'email:' || md5(email) as address
    from customers
    where not {{ is_placeholder_email('email') }}
    union all
    select
        customer_key,
        'phone:' || md5(phone) as address
    from customers
    where not {{ is_placeholder_phone('phone') }}
),

int_shared_denials as (
    select distinct on (persons.customer_key, denied.channel, denied.purpose)
        persons.customer_key,
        denied.channel,
        denied.purpose,
        denied.source,
        denied.changed_on,
        denied.changed_at
    from persons
    inner join denied on persons.address = denied.address
    order by
        persons.customer_key asc, denied.channel asc, denied.purpose asc, denied.changed_at desc, denied.source asc
)

select * from int_shared_denials
