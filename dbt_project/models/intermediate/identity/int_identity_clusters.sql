{{ config(unlogged=true) }}

with recursive
held_by as (
    select
        own_key as person,
        level || ':' || identifier as identifier
    from {{ ref('int_identity_evidence') }}
),

{{ components() }}

select
    person as own_key,
    component as cluster
from components
