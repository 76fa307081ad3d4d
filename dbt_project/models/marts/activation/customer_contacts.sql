{{ config(schema='pii') }}

with
members as (
    select
        keys.customer_key,
        source_customers.email,
        source_customers.phone,
        row_number() over (
            partition by keys.customer_key, source_customers.email is null
            order by source_customers.changed_at desc nulls last, keys.source asc, keys.source_customer_id asc
        ) as email_rank,
        row_number() over (
            partition by keys.customer_key, source_customers.phone is null
            order by source_customers.changed_at desc nulls last, keys.source asc, keys.source_customer_id asc
        ) as phone_rank
    from {{ ref('int_customer_keys') }} as keys
    inner join {{ ref('input_customers') }} as source_customers
        on
            keys.source = source_customers.source
            and keys.source_customer_id = source_customers.source_customer_id
),

-- the latest usable detail of any of her records
customer_contacts as (
    select
        customer_key,
        max(email) filter (where email_rank = 1) as email,
        max(phone) filter (where phone_rank = 1) as phone
    from members
    group by customer_key
)

select * from customer_contacts
