{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_settled() }}"
) }}

with
memberships as (
    select * from {{ ref('identity_memberships') }}
    where valid_to > {{ last_built_night() }}
),

records as (
    select * from {{ ref('int_touched_records') }}
),

-- whoever has such a record, and whoever had it
touched as (
    select memberships.customer_key
    from memberships
    inner join records
        on
            memberships.source = records.source
            and memberships.source_customer_id = records.source_customer_id
    union
    select customer_key
    from memberships
    where valid_from > {{ last_built_night() }} or valid_to < 'infinity'
),

-- before a night was finished everything is built in full, and nobody needs to be listed
int_touched_customers as (
    select
        customer_key,
        {{ as_of() }} as touched_on
    from touched
    where {{ last_built_night() }} is not null
    {% if is_incremental() %}
        -- an earlier attempt at the night may have listed it
        except
        select
            customer_key,
            touched_on
        from {{ this }}
    {% endif %}
)

select * from int_touched_customers
