with
overrides as (
    {{ rows_of(var('identity').overrides, {
        'verdict': 'text', 'source': 'text', 'customer_id': 'text', 'other_source': 'text', 'other_customer_id': 'text'
    }) }}
),

stated as (
    select
        case verdict when 'same' then 'override' else 'different' end as level,
        source,
        customer_id as source_customer_id,
        other_source,
        other_customer_id as other_source_customer_id
    from overrides
    union
    select
        'link' as level,
        source,
        source_customer_id,
        other_source,
        other_source_customer_id
    from {{ ref('input_links') }}
    union
    -- no address tells it any more
    select
        'link' as level,
        source,
        pseudonym as source_customer_id,
        first_value(source) over of_one as other_source,
        first_value(pseudonym) over of_one as other_source_customer_id
    from {{ source('pii', 'erased_records') }}
    window of_one as (partition by erasure order by source, pseudonym)
),

-- whoever is asked finds the other
both_ways as (
    select * from stated
    union
    select
        level,
        other_source as source,
        other_source_customer_id as source_customer_id,
        source as other_source,
        source_customer_id as other_source_customer_id
    from stated
),

int_identity_pairs as (
    select
        level,
        source,
        source_customer_id,
        {{ own_key('source', 'source_customer_id') }} as own_key,
        {{ own_key('other_source', 'other_source_customer_id') }} as other_key
    from both_ways
    where (source, source_customer_id) <> (other_source, other_source_customer_id)
)

select * from int_identity_pairs
