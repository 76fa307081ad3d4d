-- few of all money events, and asked for by themselves; every column of theirs -- noqa: disable=AM04
with
int_given_back as (
    select *
    from {{ ref('int_ledger') }}
    where event_type <> 'order'
)

select * from int_given_back
