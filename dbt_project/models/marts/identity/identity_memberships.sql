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

-- who belonged to whom
identity_memberships as (
    {{ intervals('identity', key=['own_key'], told=told, compared=['customer_key']) }}
)

select * from identity_memberships
