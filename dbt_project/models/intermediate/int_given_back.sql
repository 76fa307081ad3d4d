-- few of all money events, and asked for by themselves
with
int_given_back as (
    select *
    from {{ ref('int_ledger') }}
    where event_type <> 'order'
)

select * from int_given_back
