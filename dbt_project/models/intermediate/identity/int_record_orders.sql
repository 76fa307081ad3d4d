{# a ref that a full build does without #}
{% set touched = ref('int_touched_records') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_touched_records() }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['source_customer_id', 'source'], 'unique': true}]
) }}

with
orders as (
    select * from {{ ref('input_orders') }}
    {% if is_incremental() %}
        where
            source_customer_id = any(array(select touched.source_customer_id from {{ touched }} as touched))
            and (source, source_customer_id) in (
                select
                    touched.source,
                    touched.source_customer_id
                from {{ touched }} as touched
            )
    {% endif %}
),

int_record_orders as (
    select
        source,
        source_customer_id,
        min(ordered_on) as first_ordered_on
    from orders
    group by source, source_customer_id
)

select * from int_record_orders
