{# a ref that a full build does without #}
{% set touched = ref('int_touched_customers') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_customers_of(ref('int_touched_customers')) }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['customer_key']}]
) }}

-- few of all money events, and asked for by themselves; every column of theirs -- noqa: disable=AM04
with
int_given_back as (
    select *
    from {{ ref('int_ledger') }}
    where
        event_type <> 'order'
        {% if is_incremental() %}
            and customer_key = any(array(select touched.customer_key from {{ touched }} as touched))
        {% endif %}
)

select * from int_given_back
