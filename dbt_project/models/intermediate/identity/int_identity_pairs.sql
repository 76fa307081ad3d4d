with
overrides as (
    {{ rows_of(var('identity').overrides, {
        'verdict': 'text', 'source': 'text', 'customer_id': 'text', 'other_source': 'text', 'other_customer_id': 'text'
    }) }}
),

stated as (
    select
        case verdict when 'same' then 'override' else 'different' end as level,
        {{ own_key('source', 'customer_id') }} as own_key,
        {{ own_key('other_source', 'other_customer_id') }} as other_key
    from overrides
    union
    select
        'link' as level,
        {{ own_key('source', 'source_customer_id') }} as own_key,
        {{ own_key('other_source', 'other_source_customer_id') }} as other_key
    from {{ ref('input_links') }}
),

-- whoever is asked finds the other
int_identity_pairs as (
    select
        level,
        own_key,
        other_key
    from stated
    where own_key <> other_key
    union
    select
        level,
        other_key as own_key,
        own_key as other_key
    from stated
    where own_key <> other_key
)

select * from int_identity_pairs
