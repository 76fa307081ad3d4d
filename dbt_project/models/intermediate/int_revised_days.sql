{% set points = ('before', 'start') %}

with
-- days of orders of which something was given back since
revised as not materialized (
    select distinct
        customer_key,
        ordered_on
    from {{ ref('int_given_back') }}
    where
        event_on >= {{ quadrant_day('before') }}
        and ordered_on < {{ quadrant_day('start') }}
),

-- what was taken back of an order by then; a refund told since is not known at the beginning of the quarter
taken_back as (
    select
        {% for point in points %}
            sum(amount) filter (where event_on < {{ quadrant_day(point) }}) as amount_{{ point }},
        {% endfor %}
        source,
        order_id
    from {{ ref('int_given_back') }}
    group by source, order_id
),

-- what each order of these days was worth at each point; nothing where it did not count
orders as (
    select
        {% for point in points %}
            case
                when
                    orders.ordered_on < {{ quadrant_day(point) }}
                    and orders.gross_amount > 0
                    and (orders.cancelled_on is null or orders.cancelled_on >= {{ quadrant_day(point) }})
                    then nullif(greatest(orders.gross_amount + coalesce(taken_back.amount_{{ point }}, 0), 0), 0)
            end as net_{{ point }},
        {% endfor %}
        orders.customer_key,
        orders.ordered_on
    from {{ ref('fct_orders') }} as orders
    inner join revised
        on
            orders.customer_key = revised.customer_key
            and orders.ordered_on = revised.ordered_on
    left join taken_back
        on
            orders.source = taken_back.source
            and orders.order_id = taken_back.order_id
),

int_revised_days as (
    select
        {% for point in points %}
            sum(net_{{ point }}) as net_{{ point }},
        {% endfor %}
        customer_key,
        ordered_on
    from orders
    group by customer_key, ordered_on
)

select * from int_revised_days
