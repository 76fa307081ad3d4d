{# how many steps of the way to a regular are followed: from the first order to the second, ... #}
{% set steps = 5 %}

with
cohorts as (
    select * from {{ ref('int_cohorts') }}
),

-- several orders of one day are one
order_days as (
    select
        customer_key,
        ordered_on
    from {{ ref('fct_orders') }}
    where is_valid
    group by customer_key, ordered_on
),

followed as (
    select
        customer_key,
        ordered_on,
        row_number() over life as order_number,
        lead(ordered_on) over life as next_ordered_on
    from order_days
    window life as (partition by customer_key order by ordered_on)
),

int_order_gaps as (
    select
        cohorts.cohort_month,
        cast(followed.order_number as integer) as order_number,
        followed.ordered_on,
        followed.next_ordered_on - followed.ordered_on as days_to_next,
        count(*) as count_customers
    from followed
    inner join cohorts on followed.customer_key = cohorts.customer_key
    where followed.order_number <= {{ steps }}
    group by cohorts.cohort_month, followed.order_number, followed.ordered_on, followed.next_ordered_on
)

select * from int_order_gaps
