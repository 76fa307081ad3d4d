{{ config(materialized='incremental', incremental_strategy='append') }}

-- a batch is read in the first night that ends after it was loaded
with
int_seen_batches as (
    select
        batch_id,
        entity,
        {{ as_of() }} as seen_on
    from {{ source('ops', 'batches') }}
    where
        as_of <= {{ as_of() }}
        {% if is_incremental() %}
            and batch_id not in (select known.batch_id from {{ this }} as known)
        {% endif %}
)

select * from int_seen_batches
