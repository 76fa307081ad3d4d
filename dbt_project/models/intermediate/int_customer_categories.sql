{# a ref that a full build does without #}
{% set list = ref('int_changed_lines') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_changed_lines() }}",
    post_hook=[
        "truncate {{ ref('int_changed_lines') }}",
        "{{ index_what_categories_were_built_from() }}",
        {'sql': '{{ vacuum_what_was_built() }}', 'transaction': false},
    ],
    indexes=[{'columns': ['customer_key']}]
) }}

-- in full everybody, whatever the list says: it is emptied once it was read
with
changed as (
    {% if is_incremental() %}
        select * from {{ list }}
        where built_from is not null
    {% else %}
        select
            customer_key,
            facts_hash as built_from
        from {{ ref('int_customer_facts') }}
    {% endif %}
),

-- of what was given back, or cost nothing, no purchase is left
bought as (
    select
        customer_key,
        category,
        ordered_on,
        ordered_on - lag(ordered_on) over (partition by customer_key, category order by ordered_on) as gap_days
    from {{ ref('fct_order_lines') }}
    where
        is_valid
        and net_amount > 0
        and category is not null
        {% if is_incremental() %}
            and customer_key = any(array(select changed.customer_key from changed))
        {% endif %}
),

-- Several purchases of a day are one. Logarithms in whole millionths: their sum does not depend on the order of rows.
counted as (
    select
        customer_key,
        category,
        cast(count(*) filter (where gap_days is distinct from 0) as integer) as order_days,
        min(ordered_on) as first_on,
        max(ordered_on) as last_on,
        cast(sum(
            cast(round(1e6 * ln(cast(nullif(gap_days, 0) as double precision))) as bigint)
        ) as double precision) / 1e6 as sum_of_log_gaps
    from bought
    group by customer_key, category
),

-- what is said of a customer, for models that follow; order plays no role in bit_xor, so nothing is sorted
said as (
    select
        customer_key,
        bit_xor(hashtextextended(concat_ws(',', category, order_days, first_on, last_on), 1)) as categories_hash
    from counted
    group by customer_key
),

int_customer_categories as (
    select
        customer_key,
        category,
        order_days,
        first_on,
        last_on,
        coalesce(sum_of_log_gaps, 0) as sum_of_log_gaps,
        cast(null as text) as built_from,
        cast(null as bigint) as categories_hash
    from counted
    union all
    select
        changed.customer_key,
        cast(null as text) as category,
        0 as order_days,
        cast(null as date) as first_on,
        cast(null as date) as last_on,
        0 as sum_of_log_gaps,
        changed.built_from,
        coalesce(said.categories_hash, 0) as categories_hash
    from changed
    left join said on changed.customer_key = said.customer_key
)

select * from int_customer_categories
