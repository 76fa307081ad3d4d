{% set verdicts = as_built('activation', 'audience_verdicts', keep_on_full_refresh=true) %}
{% set warnings = as_built('marts', 'fct_early_warnings', keep_on_full_refresh=true) %}

with
keys as (
    select * from {{ ref('int_customer_keys') }}
),

ledger as (
    select * from {{ source('activation', 'contact_ledger') }}
),

-- whom anything was ever decided of, or done to, or who was warned of
remembered as (
    select customer_key
    from ledger
    where as_of < {{ as_of() }}
    {% if verdicts %}
        union all
        select customer_key
        from {{ verdicts }}
        where valid_from < {{ as_of() }}
    {% endif %}
    {% if warnings %}
        union all
        select customer_key
        from {{ warnings }}
        where opened_on < {{ as_of() }}
    {% endif %}
),

former as (
    select distinct remembered.customer_key
    from remembered
    left join keys on remembered.customer_key = keys.customer_key
    where keys.customer_key is null
),

-- a key is made of one of her records, and that record is somebody's still
int_former_keys as (
    select
        former.customer_key as former_key,
        keys.customer_key
    from former
    inner join keys on former.customer_key = md5(keys.source || ':' || keys.source_customer_id)
)

select * from int_former_keys
