{# how many steps of the way to a regular are followed: from the first order to the second, ... #}
{% set steps = 5 %}

with
steps as (
    {% for n in range(1, steps + 1) %}
        select
            {{ month_of('first_order_on') }} as cohort_month,
            {{ n }} as order_number,
            {{ 'first_order_on' if n == 1 else 'order_' ~ n ~ '_on' }} as reached_on,
            order_{{ n + 1 }}_on as next_on
        from {{ ref('int_order_totals') }}
        where order_days >= {{ n }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
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
