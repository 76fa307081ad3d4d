{# few records move, and the planner cannot know how many: it would compare each with everybody #}
{{ config(
    schema='pii',
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of',
    full_refresh=false,
    pre_hook=["{{ forget_unfinished_nights() }}", "set local enable_nestloop = off"]
) }}

with
memberships as (
    select * from {{ ref('identity_memberships') }}
),

identity as (
    select * from {{ ref('int_identity') }}
),

-- records that were one customer's before the night and are another's now
moved as (
    select
        began.own_key,
        began.source,
        began.source_customer_id,
        ended.customer_key as former_key,
        began.customer_key,
        began.joined_by,
        began.joined_through
    from memberships as began
    inner join memberships as ended on began.own_key = ended.own_key
    where
        began.valid_from = {{ as_of() }}
        and ended.valid_to = {{ as_of() }}
        and began.customer_key <> ended.customer_key
),

-- all records of whoever got one, with the customer they were
gathered as (
    select
        identity.own_key,
        identity.customer_key,
        coalesce(moved.former_key, identity.customer_key) as former_key
    from identity
    left join moved on identity.own_key = moved.own_key
    left join memberships as newcomer
        on
            identity.own_key = newcomer.own_key
            and newcomer.valid_from = {{ as_of() }}
    where
        identity.customer_key in (select gainers.customer_key from moved as gainers)
        and (newcomer.own_key is null or moved.own_key is not null)
),

gatherings as (
    select
        customer_key,
        count(distinct former_key) as count_customers
    from gathered
    group by customer_key
),

-- of the records that went the same way the one that the former key is made of speaks, or else the first
ways as (
    select
        moved.*,
        gatherings.count_customers,
        identity.own_key is null as is_retired,
        bool_or(moved.own_key = moved.former_key) over way as is_with_name,
        row_number() over (
            partition by moved.former_key, moved.customer_key
            order by moved.own_key = moved.former_key desc, moved.source asc, moved.source_customer_id asc
        ) as place
    from moved
    inner join gatherings on moved.customer_key = gatherings.customer_key
    left join identity
        on
            moved.former_key = identity.own_key
            and moved.former_key = identity.customer_key
    window way as (partition by moved.former_key, moved.customer_key)
),

became as (
    select
        case
            when not is_retired or not is_with_name then 'split'
            when count_customers > 1 then 'merge'
            else 'rename'
        end as event,
        customer_key,
        former_key,
        source,
        source_customer_id,
        joined_by as level,
        joined_through as evidence,
        cast(null as text) as reason
    from ways
    where place = 1
),

blocked as (
    select
        'block' as event,
        identity.customer_key,
        cast(null as text) as former_key,
        min(identity.source) as source,
        cast(null as text) as source_customer_id,
        blocks.level,
        split_part(blocks.block, ':', 3) as evidence,
        blocks.reason
    from {{ ref('identity_blocks') }} as blocks
    inner join identity on blocks.own_key = identity.own_key
    where blocks.valid_from = {{ as_of() }}
    group by identity.customer_key, blocks.block, blocks.level, blocks.reason
),

identity_events as (
    select
        {{ as_of() }} as as_of,
        *
    from became
    union all
    select
        {{ as_of() }} as as_of,
        *
    from blocked
)

select * from identity_events
