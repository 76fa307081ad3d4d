{# Orders as their sources tell them, all or those of `asked`, a relation with source and order_id. #}
{% macro staged_orders(asked=none) -%}
    with
    newest as (
        {{ newest_version('orders', ['order_id'], version='changed_at', asked=asked) }}
    ),

    -- a source that only says "cancelled" cancelled it on the night we first saw that
    first_seen_cancelled as (
        select
            raw_rows.source,
            raw_rows.order_id,
            min(batches.as_of) as cancelled_seen_on
        from {{ all_versions('orders', asked) }}
        inner join {{ source('ops', 'batches') }} as batches on raw_rows.batch_id = batches.batch_id
        where raw_rows.status = 'cancelled' and batches.as_of <= {{ as_of() }}
        group by raw_rows.source, raw_rows.order_id
    )

    select
        newest.source,
        newest.order_id,
        newest.customer_id,
        newest.ordered_at,
        {{ business_day('newest.ordered_at') }} as ordered_on,
        newest.status,
        case
            when newest.status = 'cancelled'
                then coalesce({{ business_day('newest.cancelled_at') }}, first_seen_cancelled.cancelled_seen_on)
        end as cancelled_on,
        newest.amount,
        newest.currency
    from newest
    left join first_seen_cancelled
        on
            newest.source = first_seen_cancelled.source
            and newest.order_id = first_seen_cancelled.order_id
{%- endmacro %}
