with
newest as (
    {{ newest_version('links', ['customer_id', 'other_source', 'other_customer_id'], version='changed_at') }}
),

stg_links as (
    select
        source,
        customer_id,
        other_source,
        other_customer_id,
        coalesce(status, 'linked') as status
    from newest
)

select * from stg_links
