{% set points = ('before', 'start', 'now') %}

with
customers as (
    select * from {{ ref('dim_customers') }}
),

-- what was taken back of an order by then; a refund told since is not known at the beginning of the quarter
taken_back as (
    select
        {% for point in points %}
            sum(amount) filter (where event_on < {{ quadrant_day(point) }}) as amount_{{ point }},
        {% endfor %}
        source,
        order_id
    from {{ ref('int_ledger') }}
    where event_type <> 'order'
    group by source, order_id
),

-- what each order was worth at each point; nothing where it did not count
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
    left join taken_back
        on
            orders.source = taken_back.source
            and orders.order_id = taken_back.order_id
),

-- several orders of one day are one
order_days as (
    select
        {% for point in points %}
            sum(net_{{ point }}) as net_{{ point }},
        {% endfor %}
        customer_key,
        ordered_on
    from orders
    group by customer_key, ordered_on
),

summed as (
    select
        {% for point in points %}
            count(net_{{ point }}) as days_{{ point }},
            count(net_{{ point }}) filter (where ordered_on >= {{ quadrant_day(point) }} - 365) as days_365_{{ point }},
            sum(net_{{ point }}) as spend_{{ point }},
        {% endfor %}
        customer_key
    from order_days
    group by customer_key
),

int_quadrant_points as (
    select
        {% for point in points %}
            coalesce(summed.days_{{ point }}, 0) as days_{{ point }},
            coalesce(summed.days_365_{{ point }}, 0) as days_365_{{ point }},
            coalesce(summed.spend_{{ point }}, 0) as spend_{{ point }},
        {% endfor %}
        customers.customer_key,
        customers.known_on
    from customers
    left join summed on customers.customer_key = summed.customer_key
)

select * from int_quadrant_points
