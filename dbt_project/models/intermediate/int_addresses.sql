{# with workers it takes twice as long: each of them builds all tables of hashes anew #}
{{ config(pre_hook="set local max_parallel_workers_per_gather = 0") }}

with
-- everybody any source ever named, also who registered after the night: her denial counts now
records as (
    select
        source,
        customer_id as source_customer_id,
        'email:' || md5({{ usable_email('email') }}) as email,
        'phone:' || md5({{ usable_phone('phone') }}) as phone
    from {{ ref('stg_customers') }}
),

-- a source that knows customers by e-mail only may deliver a denial without a usable customer record
named as (
    select distinct
        source,
        source_customer_id,
        source_customer_id as address
    from {{ ref('input_consents') }}
    where source_customer_id like 'email:%'
    union
    select
        source,
        source_customer_id,
        email as address
    from records
    where email is not null
    union all
    select
        source,
        source_customer_id,
        phone as address
    from records
    where phone is not null
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

persons as (
    select
        customer_key,
        'email:' || md5(email) as address
    from customers
    where email is not null
    union
    select
        customer_key,
        'phone:' || md5(phone) as address
    from customers
    where phone is not null
),

-- her own records are hers in any case
int_addresses as (
    select
        named.source,
        named.source_customer_id,
        persons.customer_key,
        split_part(named.address, ':', 1) as shared
    from named
    inner join persons on named.address = persons.address
    left join {{ ref('int_customer_keys') }} as keys
        on
            named.source = keys.source
            and named.source_customer_id = keys.source_customer_id
    where keys.customer_key is distinct from persons.customer_key
)

select * from int_addresses
