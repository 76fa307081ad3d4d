with
cells as (
    {{ playbook_cells() }}
),

customers as (
    select * from {{ ref('customer_360') }}
),

measured as (
    select
        stage,
        abc_tier,
        count(*) as count_customers,
        avg(order_value) as order_value,
        avg(clv_365d) as clv_365d
    from customers
    group by stage, abc_tier
),

costed as (
    select
        cells.*,
        coalesce(measured.count_customers, 0) as count_customers,
        round(measured.order_value, 2) as order_value,
        round(cast(measured.clv_365d as numeric), 2) as expected_margin,
        round(coalesce(cells.cost_amount, cells.cost_share * measured.order_value), 2) as offer_cost,
        round(measured.order_value * {{ var('value').margin }}, 2) as order_margin
    from cells
    left join measured
        on
            cells.stage = measured.stage
            and cells.tier = measured.abc_tier
),

playbook as (
    select
        {{ as_of() }} as as_of,
        stage,
        tier,
        objective,
        channel,
        offer_en,
        offer_zh,
        offer_cost,
        order_value,
        order_margin,
        expected_margin,
        -- what cannot be compared is no loss
        coalesce(offer_cost <= least(order_margin, expected_margin), true) as is_affordable,
        cadence_days,
        cool_down_days,
        budget,
        exit_rule,
        count_customers
    from costed
)

select * from playbook
