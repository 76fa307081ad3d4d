with
customers as (
    select * from {{ ref('input_customers') }}
),

orders as (
    select * from {{ ref('input_orders') }}
),

first_orders as (
    select
        source,
        source_customer_id,
        min(ordered_on) as first_ordered_on
    from orders
    group by source, source_customer_id
),

-- a customer exists as soon as any source names her, also when only an order does
source_customers as (
    select
        coalesce(customers.source, first_orders.source) as source,
        coalesce(customers.source_customer_id, first_orders.source_customer_id) as source_customer_id,
        coalesce('email:' || md5(customers.email), '') as email_id,
        least(customers.registered_on, first_orders.first_ordered_on) as known_on
    from customers
    full outer join first_orders
        on
            customers.source = first_orders.source
            and customers.source_customer_id = first_orders.source_customer_id
),

-- same normalised e-mail, same person; without an e-mail she is her own person
grouped as (
    select
        source,
        source_customer_id,
        known_on,
        case
            when email_id <> '' then email_id
            else source || ':' || source_customer_id
        end as person
    from source_customers
),

-- the key comes from the member known first, so it stays the same in any row order and after a full rebuild
int_customer_keys as (
    select
        source,
        source_customer_id,
        known_on,
        md5(
            first_value(source || ':' || source_customer_id) over (
                partition by person
                order by known_on, source, source_customer_id
            )
        ) as customer_key
    from grouped
)

select * from int_customer_keys
