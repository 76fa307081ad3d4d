{# Refunds as their sources tell them, all or those of `asked`, a relation with source and refund_id. #}
{% macro staged_refunds(asked=none) -%}
    with
    newest as (
        {{ newest_version('refunds', ['refund_id'], asked=asked, by=['refund_id']) }}
    )

    select
        source,
        refund_id,
        order_id,
        refunded_at,
        {{ business_day('refunded_at') }} as refunded_on,
        amount,
        currency
    from newest
{%- endmacro %}
