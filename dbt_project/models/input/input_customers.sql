{# refs that a full build, or a night, does without #}
{% set touched = ref('int_touched_records') %}
{% set staged = ref('stg_customers') %}

{{ config(
    schema='pii',
    materialized='incremental',
    incremental_strategy='append',
    tags='facts',
    pre_hook="{{ forget_touched_records() }}",
    post_hook=["{{ note_recipe() }}", {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false}],
    indexes=[{'columns': ['source_customer_id', 'source'], 'unique': true}]
) }}

with
{% if is_incremental() %}
    asked as (
        select
            source,
            source_customer_id as customer_id
        from {{ touched }}
    ),

{% endif %}
customers as (
    {% if is_incremental() %}
        {{ staged_customers(asked='asked') }}
    {% else %}
        select * from {{ staged }}
    {% endif %}
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
