{{ config(materialized='incremental', incremental_strategy='append') }}

-- a batch is read in the first night that ends after it was loaded
with
int_line_batches as (
    select
        batch_id,
        {{ as_of() }} as seen_on
    from {{ source('ops', 'batches') }} as batches
    where
        batches.entity = 'order_lines'
        and batches.as_of <= {{ as_of() }}
        {% if is_incremental() %}
            and not exists (select 1 from {{ this }} as known where known.batch_id = batches.batch_id)
        {% endif %}
)

select * from int_line_batches
