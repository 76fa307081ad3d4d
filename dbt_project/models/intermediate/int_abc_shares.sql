{% set basis = var('value').abc.basis %}

with
customers as (
    select * from {{ ref('dim_customers') }}
),

{% if basis == 'clv' %}
    -- to the hundredth of a cent: sums of such numbers do not depend on their order
    valued as (
        select
            customer_key,
            cast(clv_365d as numeric(18, 4)) as value_12m
        from {{ ref('customer_clv') }}
    ),
{% else %}
    valued as (
        select
            customer_key,
            {% if basis == 'margin' %}
                cast(revenue_365 * {{ var('value').margin }} as numeric(18, 4)) as value_12m
            {% else %}
                revenue_365 as value_12m
            {% endif %}
        from {{ ref('int_order_totals') }}
    ),
{% endif %}

-- who bought nothing in that time is worth nothing; of a buyer without a forecast the worth is unknown
counted as (
    select
        customers.customer_key,
        customers.is_prospect,
        {% if basis == 'clv' %}
            case when customers.is_prospect then 0 else valued.value_12m end as value_12m,
        {% else %}
            coalesce(valued.value_12m, 0) as value_12m,
        {% endif %}
        greatest(coalesce(valued.value_12m, 0), 0) as counted_value
    from customers
    left join valued on customers.customer_key = valued.customer_key
),

-- the default frame includes peers, so customers of equal value stand together
ranked as (
    select
        *,
        sum(counted_value) over (order by counted_value desc) as value_cum,
        sum(counted_value) over (partition by counted_value) as value_of_peers,
        sum(counted_value) over () as value_total
    from counted
),

int_abc_shares as (
    select
        customer_key,
        is_prospect,
        value_12m,
        counted_value,
        value_cum / nullif(value_total, 0) as share_cum,
        (value_cum - value_of_peers) / nullif(value_total, 0) as share_before
    from ranked
)

select * from int_abc_shares
