{% set points = ('before', 'start') %}

{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_retired_customers() }}",
    indexes=[{'columns': ['customer_key'], 'unique': true}]
) }}

with
{% if is_incremental() %}
    told as (
        select
            customer_key,
            built_from
        from {{ ref('int_customer_days') }}
        where next_day = 'infinity'
    ),

    stale as materialized (
        select told.customer_key
        from told
        left join {{ this }} as built on told.customer_key = built.customer_key
        where
            told.built_from is distinct from built.built_from
            or built.quarter <> {{ quadrant_day('start') }}
    ),

    -- an array is looked up by the index, customer by customer; a join would read everybody
    days as (
        select * from {{ ref('int_customer_days') }}
        where customer_key = any(array(select stale.customer_key from stale))
    ),
{% else %}
    days as (
        select * from {{ ref('int_customer_days') }}
    ),
{% endif %}

-- days of orders of which something was given back since
revised as (
    select distinct
        customer_key,
        ordered_on
    from {{ ref('int_ledger') }}
    where
        event_type <> 'order'
        and event_on >= {{ quadrant_day('before') }}
        and ordered_on < {{ quadrant_day('start') }}
        {% if is_incremental() %}and customer_key in (select stale.customer_key from stale){% endif %}
),

-- what was taken back of an order by then; a refund told since is not known at the beginning of the quarter
taken_back as (
    select
        {% for point in points %}
            sum(ledger.amount) filter (where ledger.event_on < {{ quadrant_day(point) }}) as amount_{{ point }},
        {% endfor %}
        ledger.source,
        ledger.order_id
    from {{ ref('int_ledger') }} as ledger
    inner join revised
        on
            ledger.customer_key = revised.customer_key
            and ledger.ordered_on = revised.ordered_on
    where ledger.event_type <> 'order'
    group by ledger.source, ledger.order_id
),

-- what each of their orders was worth at each point; nothing where it did not count
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

-- several orders of one day are one; most days are worth today what they were worth then
order_days as (
    select
        {% for point in points %}
            sum(net_{{ point }}) as net_{{ point }},
        {% endfor %}
        customer_key,
        ordered_on,
        cast(null as text) as built_from
    from orders
    group by customer_key, ordered_on
    union all
    select
        {% for point in points %}
            case
                when revised.customer_key is null and days.day < {{ quadrant_day(point) }} then days.counted_revenue
            end as net_{{ point }},
        {% endfor %}
        days.customer_key,
        days.day as ordered_on,
        days.built_from
    from days
    left join revised
        on
            days.customer_key = revised.customer_key
            and days.day = revised.ordered_on
),

int_quadrant_starts as (
    select
        {% for point in points %}
            count(net_{{ point }}) as days_{{ point }},
            count(net_{{ point }}) filter (where ordered_on >= {{ quadrant_day(point) }} - 365) as days_365_{{ point }},
            coalesce(sum(net_{{ point }}), 0) as spend_{{ point }},
        {% endfor %}
        customer_key,
        {{ quadrant_day('start') }} as quarter,
        max(built_from) as built_from
    from order_days
    group by customer_key
)

select * from int_quadrant_starts
