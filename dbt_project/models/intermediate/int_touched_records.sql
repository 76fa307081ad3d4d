{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_settled() }}"
) }}

{# asked for by name in a macro #}
{% set batches = ref('int_seen_batches') %}

with
-- an order may have been another customer's before
touched as (
    select
        versions.source,
        versions.customer_id
    from {{ source('raw', 'orders') }} as versions
    inner join {{ ref('int_touched_orders') }} as touched
        on
            versions.source = touched.source
            and versions.order_id = touched.order_id
    union
    select
        source,
        customer_id
    from {{ source('raw', 'customers') }}
    where batch_id = {{ new_batches('customers') }} or registered_at >= {{ since_last_night() }}
),

-- before a night was finished everything is built in full, and nobody needs to be listed
int_touched_records as (
    select
        source,
        customer_id as source_customer_id,
        {{ as_of() }} as touched_on
    from touched
    where {{ last_built_night() }} is not null
)

select * from int_touched_records
