{# Customers as their sources tell them, all or those of `asked`, a relation with source and customer_id. #}
{% macro staged_customers(asked=none) -%}
    with
    newest as (
        {{ newest_version('customers', ['customer_id'], version='changed_at', asked=asked, by=['customer_id']) }}
    ),

    -- a source that tells of a customer with every order tells a later date each time: the first one counts
    first_registered as (
        select
            raw_rows.source,
            raw_rows.customer_id,
            min(raw_rows.registered_at) as registered_at
        from {{ all_versions('customers', asked, ['customer_id']) }}
        inner join {{ source('ops', 'batches') }} as batches on raw_rows.batch_id = batches.batch_id
        where batches.as_of <= {{ as_of() }}
        group by raw_rows.source, raw_rows.customer_id
    )

    select
        newest.source,
        newest.customer_id,
        newest.email,
        newest.phone,
        newest.country,
        newest.acquisition_source,
        newest.loyalty_number,
        newest.email_verified,
        newest.changed_at,
        {{ business_day('first_registered.registered_at') }} as registered_on
    from newest
    inner join first_registered
        on
            newest.source = first_registered.source
            and newest.customer_id = first_registered.customer_id
{%- endmacro %}
