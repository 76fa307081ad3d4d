with
memberships as (
    select * from {{ ref('identity_memberships') }}
),

keys as (
    select distinct customer_key from {{ ref('int_identity') }}
),

-- until when anybody had a key that is nobody's now
former as (
    select
        memberships.customer_key,
        max(memberships.valid_to) as retired_on
    from memberships
    left join keys on memberships.customer_key = keys.customer_key
    where memberships.valid_to < 'infinity' and keys.customer_key is null
    group by memberships.customer_key
),

-- a key is made of one of her records, and that record is somebody's still
dim_customer_redirects as (
    select
        former.customer_key as former_key,
        identity.customer_key,
        former.retired_on
    from former
    inner join {{ ref('int_identity') }} as identity on former.customer_key = identity.own_key
)

select * from dim_customer_redirects
