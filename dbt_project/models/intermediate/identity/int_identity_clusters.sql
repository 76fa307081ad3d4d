{{ config(unlogged=true) }}

with recursive
held_by as (
    select
        own_key as person,
        level || ':' || identifier as identifier
    from {{ ref('int_identity_evidence') }}
    where level <> 'stated_email'
),

{{ components() }}

select
    person as own_key,
    component as cluster
from components
