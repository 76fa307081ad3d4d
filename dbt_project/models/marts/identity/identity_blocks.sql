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

{% if is_incremental() %}
    before as (
        select * from {{ this }}
        where valid_to = 'infinity'
    ),

    changed as (
        select
            blocked.own_key,
            blocked.block,
            before.own_key as before_own_key,
            before.block as before_block,
            before.valid_from
        from blocked
        full outer join before
            on
                blocked.own_key = before.own_key
                and blocked.block = before.block
        where blocked.own_key is null or before.own_key is null
    ),

    intervals as (
        select
            before_own_key as own_key,
            before_block as block,
            valid_from,
            {{ as_of() }} as valid_to
        from changed
        where before_own_key is not null
        union all
        select
            own_key,
            block,
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from changed
        where own_key is not null
    ),
{% else %}
    intervals as (
        select
            own_key,
            block,
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from blocked
    ),
{% endif %}

identity_blocks as (
    select
        own_key,
        block,
        split_part(block, ':', 1) as level,
        split_part(block, ':', 2) as reason,
        valid_from,
        valid_to
    from intervals
)

select * from identity_blocks
