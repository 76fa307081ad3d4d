{# how many steps of the way to a regular are followed: from the first order to the second, ... #}
{% set steps = 5 %}

with
-- not materialized: it would be written out in full
days as not materialized (
    select * from {{ ref('int_customer_days') }}
    where counted_revenue is not null
),

-- who came again was watched for 30 days or not; nobody asks whether for 31
steps as (
    select
        cohort_month,
        order_number - 1 as order_number,
        days_since_order as days_to_next,
        (array[0, 30, 60, 90, 180, 365])[
            1 + width_bucket({{ as_of() }} - day + days_since_order, array[30, 60, 90, 180, 365])
        ] as watched_days
    from days
    where order_number between 2 and {{ steps + 1 }}
),

came_again as (
    select
        cohort_month,
        order_number,
        days_to_next,
        watched_days,
        count(*) as count_customers
    from steps
    group by cohort_month, order_number, days_to_next, watched_days
),

still_waits as (
    select
        cohort_month,
        order_number,
        cast(null as integer) as days_to_next,
        {{ as_of() }} - day as watched_days,
        count(*) as count_customers
    from days
    where is_last_order and order_number <= {{ steps }}
    group by cohort_month, order_number, day
),

int_order_gaps as (
    select * from came_again
    union all
    select * from still_waits
)

select * from int_order_gaps
