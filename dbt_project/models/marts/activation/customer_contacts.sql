{{ config(schema='pii') }}

with
members as (
    select
        keys.customer_key,
        source_customers.*
    from {{ ref('int_customer_keys') }} as keys
    inner join {{ ref('input_customers') }} as source_customers
        on
            keys.source = source_customers.source
            and keys.source_customer_id = source_customers.source_customer_id
),

-- the latest known detail of any of her records
customer_contacts as (
    select
        customer_key,
        (array_agg(email order by changed_at desc nulls last, source, source_customer_id)
            filter (where email is not null))[1] as email,
        (array_agg(phone order by changed_at desc nulls last, source, source_customer_id)
            filter (where phone is not null))[1] as phone
    from members
    group by customer_key
)

select * from customer_contacts
