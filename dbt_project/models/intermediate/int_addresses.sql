{# with workers it takes twice as long: each of them builds all tables of hashes anew #}
{{ config(pre_hook="set local max_parallel_workers_per_gather = 0") }}

with
-- everybody any source ever named, also who registered after the night: her denial counts now
records as (
    select
        source,
        customer_id as source_customer_id,
        'email:' || md5({{ usable_email('email') }}) as address
    from {{ ref('stg_customers') }}
),

-- a source that knows customers by e-mail only may deliver a denial without a usable customer record
named as (
    select
        source,
        source_customer_id,
        source_customer_id as address
    from {{ ref('input_consents') }}
    where source_customer_id like 'email:%'
    union
    select
        source,
        source_customer_id,
        address
    from records
    where address is not null
),

persons as (
    select distinct
        keys.customer_key,
        'email:' || md5(customers.email) as address
    from {{ ref('input_customers') }} as customers
    inner join {{ ref('int_customer_keys') }} as keys
        on
            customers.source = keys.source
            and customers.source_customer_id = keys.source_customer_id
    where customers.email is not null
),

int_addresses as (
    select
        named.source,
        named.source_customer_id,
        persons.customer_key
    from named
    inner join persons on named.address = persons.address
)

select * from int_addresses
