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
    {{ computed_once() }}
),

steps as (
    select
        cohort_month,
        unnest(array[{{ range(1, steps + 1) | join(', ') }}]) as order_number,
        unnest(array[
            {% for n in range(1, steps + 1) %}
                order_{{ n }}_on{{ ',' if not loop.last }}
            {% endfor %}
        ]) as reached_on,
        unnest(array[
            {% for n in range(2, steps + 2) %}
                order_{{ n }}_on{{ ',' if not loop.last }}
            {% endfor %}
        ]) as next_on
    from customers
),

-- who came again was watched for 30 days or not; nobody asks whether for 31
watched as (
    select
        cohort_month,
        order_number,
        next_on - reached_on as days_to_next,
        case
            when next_on is null then {{ as_of() }} - reached_on
            {% for days in (365, 180, 90, 60, 30) %}
                when reached_on <= {{ as_of() }} - {{ days }} then {{ days }}
            {% endfor %}
            else 0
        end as watched_days
    from steps
    where reached_on is not null
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
