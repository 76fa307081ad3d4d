{{ config(
    schema='pii',
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['own_key', 'valid_from'],
    full_refresh=false,
    pre_hook="{{ take_back_unfinished_nights() }}"
) }}

{% set told = ['own_key', 'source', 'source_customer_id', 'customer_key', 'joined_by', 'joined_through'] %}

with
identity as (
    select * from {{ ref('int_identity') }}
),

{% if is_incremental() %}
    -- who belonged to whom at the end of the newest finished night
    before as (
        select * from {{ this }}
        where valid_to = 'infinity'
    ),

    changed as (
        select
            before.valid_from,
            {% for column in told %}
                identity.{{ column }},
                before.{{ column }} as before_{{ column }}{% if not loop.last %},{% endif %}
            {% endfor %}
        from identity
        full outer join before on identity.own_key = before.own_key
        where identity.customer_key is distinct from before.customer_key
    ),

    identity_memberships as (
        select
            {% for column in told %}
                before_{{ column }} as {{ column }},
            {% endfor %}
            valid_from,
            {{ as_of() }} as valid_to
        from changed
        where before_own_key is not null
        union all
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from changed
        where own_key is not null
    )
{% else %}
    identity_memberships as (
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from identity
    )
{% endif %}

select * from identity_memberships
