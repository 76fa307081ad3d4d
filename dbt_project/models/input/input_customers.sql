{{ config(schema='pii') }}

with
customers as (
    select * from {{ ref('stg_customers') }}
),

input_customers as (
    select
        source,
        customer_id as source_customer_id,
        {{ usable_email('email') }} as email,
        {{ usable_phone('phone') }} as phone,
        country,
        acquisition_source,
        registered_on,
        changed_at,
        nullif(upper(regexp_replace(loyalty_number, '[^[:alnum:]]', '', 'g')), '') as loyalty_number,
        coalesce(email_verified, 'true') = 'true' as is_email_verified
    from customers
    where registered_on <= {{ as_of() }}
)

select * from input_customers
