{# a ref that a full build does without #}
{% set list = ref('int_changed_days') %}

{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook=["{{ note_changed_months('-') }}", "{{ forget_customers_of(ref('int_changed_days')) }}"],
    post_hook="{{ note_changed_months('') }}",
    indexes=[{'columns': ['customer_key', 'day'], 'unique': true}]
) }}

-- in full everybody, whatever the list says: it is emptied once it was read
with
-- who is no more has no days
changed as (
    {% if is_incremental() %}
        select * from {{ list }}
        where built_from is not null
    {% else %}
        {{ people_with_days() }}
    {% endif %}
),

-- money is given back when it is given back, whenever the order was
moved as (
    select
        customer_key,
        ordered_on as day,
        is_valid,
        net_amount,
        gross_amount as cash_amount
    from {{ ref('fct_orders') }}
    {% if is_incremental() %}where customer_key in (select changed.customer_key from changed){% endif %}
    union all
    select
        customer_key,
        event_on as day,
        cast(null as boolean) as is_valid,
        cast(null as numeric) as net_amount,
        amount as cash_amount
    from {{ ref('int_given_back') }}
    {% if is_incremental() %}where customer_key in (select changed.customer_key from changed){% endif %}
    -- who has no order that counts may have no other day
    union all
    select
        customer_key,
        known_on as day,
        cast(null as boolean) as is_valid,
        cast(null as numeric) as net_amount,
        cast(null as numeric) as cash_amount
    from changed
    where cohort_month is null
),

days as (
    select
        customer_key,
        day,
        count(*) filter (where is_valid) as count_orders,
        sum(net_amount) as net_revenue,
        sum(net_amount) filter (where is_valid) as counted_revenue,
        sum(cash_amount) as cash_revenue
    from moved
    group by customer_key, day
),

-- one order of rows serves every window
lived as (
    select
        *,
        lead(day) over life is null as is_last,
        count(counted_revenue) over life as order_number,
        max(day) filter (where counted_revenue is not null) over (
            life rows between unbounded preceding and 1 preceding
        ) as previous_order_on
    from days
    window life as (partition by customer_key order by day)
),

int_customer_days as (
    select
        lived.customer_key,
        lived.day,
        changed.cohort_month,
        changed.acquisition_source,
        cast(lived.count_orders as integer) as count_orders,
        cast(lived.net_revenue as numeric(18, 4)) as net_revenue,
        cast(lived.counted_revenue as numeric(18, 4)) as counted_revenue,
        cast(lived.cash_revenue as numeric(18, 4)) as cash_revenue,
        cast(lived.order_number as integer) as order_number,
        case
            when lived.counted_revenue is not null then lived.day - lived.previous_order_on
        end as days_since_order,
        case when lived.is_last then changed.built_from end as built_from
    from lived
    inner join changed on lived.customer_key = changed.customer_key
)

select * from int_customer_days
