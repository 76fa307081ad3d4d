{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['audience', 'salt', 'customer_key'],
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights('entered_on') }}"
) }}

with
measured as (
    {{ measured() }}
),

-- the first time only: whether she comes again depends on what was done the first time
holdout_entries as (
    select
        draws.audience,
        draws.customer_key,
        {{ as_of() }} as entered_on,
        draws.is_held_out,
        measured.holdout,
        cast('{{ var("holdout").salt }}' as text) as salt,
        draws.stage,
        draws.abc_tier
    from {{ ref('int_holdout_draws') }} as draws
    inner join measured on draws.audience = measured.audience
    {% if is_incremental() %}
        left join {{ this }} as earlier
            on
                draws.audience = earlier.audience
                and draws.customer_key = earlier.customer_key
                and earlier.salt = '{{ var("holdout").salt }}'
    {% endif %}
    where
        measured.holdout > 0
        {% if is_incremental() %}
            and earlier.customer_key is null
        {% endif %}
)

select * from holdout_entries
