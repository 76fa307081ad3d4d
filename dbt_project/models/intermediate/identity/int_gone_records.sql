with recursive
memberships as (
    select * from {{ ref('identity_memberships') }}
),

present as (
    select * from memberships
    where valid_to = 'infinity'
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
left_to as (
    select distinct
        gone.own_key,
        last_stays.source,
        last_stays.source_customer_id,
        others.own_key as heir
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
),

-- and when these go too, to those they were with
passed_on as (
    select
        own_key,
        source,
        source_customer_id,
        heir
    from left_to
    union
    select
        passed_on.own_key,
        passed_on.source,
        passed_on.source_customer_id,
        left_to.heir
    from passed_on
    inner join left_to on passed_on.heir = left_to.own_key
),

int_gone_records as (
    select distinct
        passed_on.source,
        passed_on.source_customer_id,
        present.customer_key
    from passed_on
    inner join present on passed_on.heir = present.own_key
)

select * from int_gone_records
