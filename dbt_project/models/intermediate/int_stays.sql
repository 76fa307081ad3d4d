{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_retired_customers('valid_to') }}",
    post_hook=[
        "{{ index_what_was_built('built_from', 'valid_to') }}",
        "{{ forget_what_still_holds() }}",
        {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    ],
    indexes=[{'columns': ['customer_key', 'lifecycle_model', 'valid_from'], 'unique': true}]
) }}

with
-- not materialized: each use has an index of its own
episodes as not materialized (
    select * from {{ ref('int_episodes') }}
),

{% if is_incremental() %}
    -- the last row of a customer speaks for all her rows: they are written together
    built as (
        select
            customer_key,
            built_from
        from {{ this }}
        where valid_to = 'infinity' and lifecycle_model = '{{ var("lifecycle")[0].name }}'
    ),

    stale as (
        select episodes.customer_key
        from episodes
        left join built on episodes.customer_key = built.customer_key
        where
            episodes.episode_to = 'infinity'
            and built.built_from is distinct from {{ built_from('episodes') }}
    ),

    -- an array is looked up by the index, customer by customer; a join would read everybody
    changed as (
        select * from episodes
        where customer_key = any(array(select stale.customer_key from stale))
    ),
{% else %}
    changed as (
        select * from episodes
    ),
{% endif %}

int_stays as (
    {% for model in var('lifecycle') %}
        {{ stays(model, 'changed') }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from int_stays
