{# how many steps of the way to a regular are followed: from the first order to the second, ... #}
{% set steps = 5 %}

with
customers as (
    select
        *,
        first_order_on as order_1_on,
        {{ month_of('first_order_on') }} as cohort_month
    from {{ ref('int_order_totals') }}
    where order_days > 0
),

steps as (
    select
        customers.cohort_month,
        step.order_number,
        step.next_on - step.reached_on as days_to_next,
        {{ as_of() }} - step.reached_on as days
    from customers
    cross join
        lateral (
            values
            {% for step in range(1, steps + 1) %}
                ({{ step }}, customers.order_{{ step }}_on, customers.order_{{ step + 1 }}_on){{ ',' if not loop.last }}
            {% endfor %}
        ) as step (order_number, reached_on, next_on)
    where step.reached_on is not null
),

-- who came again was watched for 30 days or not; nobody asks whether for 31
watched as (
    select
        cohort_month,
        order_number,
        days_to_next,
        case
            when days_to_next is null then days
            else (array[0, 30, 60, 90, 180, 365])[1 + width_bucket(days, array[30, 60, 90, 180, 365])]
        end as watched_days
    from steps
),

int_order_gaps as (
    select
        cohort_month,
        order_number,
        days_to_next,
        watched_days,
        count(*) as count_customers
    from watched
    group by cohort_month, order_number, days_to_next, watched_days
)

select * from int_order_gaps
