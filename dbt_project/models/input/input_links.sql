with
links as (
    select * from {{ ref('stg_links') }}
),

input_links as (
    select
        source,
        customer_id as source_customer_id,
        other_source,
        other_customer_id as other_source_customer_id
    from links
    where status = 'linked'
)

select * from input_links
