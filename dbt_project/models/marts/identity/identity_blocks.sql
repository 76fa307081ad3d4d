{{ config(
    schema='pii',
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['own_key', 'block', 'valid_from'],
    full_refresh=false,
    pre_hook="{{ take_back_unfinished_nights() }}"
) }}

with
blocked as (
    select
        identity.own_key,
        stated.block
    from {{ ref('int_identity') }} as identity
    cross join lateral unnest(string_to_array(identity.blocks, ',')) as stated (block)
    where identity.blocks is not null
),

held as (
    {{ intervals('blocked', key=['own_key', 'block'], told=['own_key', 'block'], compared=['own_key']) }}
),

identity_blocks as (
    select
        own_key,
        block,
        split_part(block, ':', 1) as level,
        split_part(block, ':', 2) as reason,
        valid_from,
        valid_to
    from held
)

select * from identity_blocks
