with
memberships as (
    select * from {{ ref('identity_memberships') }}
),

gone as (
    select
        own_key,
        max(valid_to) as gone_on
    from memberships
    group by own_key
    having max(valid_to) < 'infinity'
),

-- the key may have been made of the record itself: whose it was is told by the records that it was with
int_gone_records as (
    select distinct
        last_stays.source,
        last_stays.source_customer_id,
        present.customer_key
    from gone
    inner join memberships as last_stays
        on
            gone.own_key = last_stays.own_key
            and gone.gone_on = last_stays.valid_to
    inner join memberships as others
        on
            last_stays.customer_key = others.customer_key
            and last_stays.own_key <> others.own_key
            and gone.gone_on > others.valid_from
            and gone.gone_on <= others.valid_to
    inner join {{ ref('int_identity') }} as present on others.own_key = present.own_key
)

select * from int_gone_records
