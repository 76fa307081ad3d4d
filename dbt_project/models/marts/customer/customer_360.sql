{{ config(indexes=[{'columns': ['customer_key'], 'unique': true}]) }}

-- One row for everybody, whatever is known of her: every join keeps all customers.
with
customers as (
    select * from {{ ref('dim_customers') }}
),

habits as (
    select * from {{ ref('int_customer_habits') }}
),

stages as (
    select * from {{ ref('customer_lifecycle') }}
    where lifecycle_model = '{{ var("default_lifecycle") }}'
),

labels as (
    select * from {{ ref('dim_stages') }}
),

stages_of_all_models as (
    select
        customer_key,
        jsonb_object_agg(lifecycle_model, stage) as stages
    from {{ ref('customer_lifecycle') }}
    group by customer_key
),

worth as (
    select * from {{ ref('customer_clv') }}
),

tiers as (
    select * from {{ ref('customer_abc') }}
),

rfm as (
    select * from {{ ref('customer_rfm') }}
),

quadrants as (
    select * from {{ ref('customer_quadrant') }}
),

warnings as (
    select * from {{ ref('fct_early_warnings') }}
    where outcome = 'open'
),

-- of equals the one she bought last
favourite_categories as (
    select distinct on (customer_key)
        customer_key,
        category
    from {{ ref('int_customer_categories') }}
    where category is not null
    order by customer_key asc, order_days desc, last_on desc, category asc
),

replenishments as (
    select * from {{ ref('customer_replenishment') }}
),

offers as (
    select * from {{ ref('customer_next_category') }}
    where place = 1
),

customer_360 as (
    select
        {{ as_of() }} as as_of,
        customers.customer_key,
        customers.known_on,
        customers.is_prospect,
        customers.country,
        customers.acquisition_source,
        customers.sources,
        customers.count_source_customers,
        -- what happened
        habits.first_touch_on,
        habits.first_touch,
        habits.last_touch_on,
        habits.last_touch,
        customers.first_ordered_on,
        customers.last_ordered_on,
        {{ as_of() }} - customers.first_ordered_on as days_since_first_order,
        {{ as_of() }} - customers.last_ordered_on as days_since_last_order,
        customers.count_orders,
        customers.count_order_days,
        -- where she is
        stages.stage,
        labels.label_en as stage_en,
        labels.label_zh as stage_zh,
        stages.stage_since,
        stages.next_stage,
        stages.next_stage_on,
        stages_of_all_models.stages,
        -- what she is worth
        worth.historic_revenue,
        worth.historic_value,
        tiers.value_12m,
        tiers.abc_tier,
        rfm.order_value,
        rfm.order_value_quintile,
        rfm.rfm_score,
        rfm.rfm_group,
        rfm.rfm_cell,
        quadrants.quadrant,
        quadrants.path as quadrant_path,
        worth.p_alive,
        worth.p_no_order_90d,
        worth.exp_orders_365d,
        worth.clv_365d,
        worth.clv_365d_p10,
        worth.clv_365d_p50,
        worth.clv_365d_p90,
        worth.total_value,
        worth.next_order_on_p50,
        -- whether somebody should call her
        warnings.opened_on as warned_on,
        warnings.reasons as warning_reasons,
        warnings.value_at_risk,
        -- what she likes, when she needs something again, and what else she may like
        favourite_categories.category as favourite_category,
        habits.favourite_source,
        habits.favourite_weekday,
        habits.favourite_weekday_share,
        replenishments.cycle_days,
        replenishments.replenish_on,
        offers.category as next_category
    from customers
    left join habits on customers.customer_key = habits.customer_key
    left join stages on customers.customer_key = stages.customer_key
    left join labels
        on
            stages.lifecycle_model = labels.lifecycle_model
            and stages.stage = labels.stage
    left join stages_of_all_models on customers.customer_key = stages_of_all_models.customer_key
    left join worth on customers.customer_key = worth.customer_key
    left join tiers on customers.customer_key = tiers.customer_key
    left join rfm on customers.customer_key = rfm.customer_key
    left join quadrants on customers.customer_key = quadrants.customer_key
    left join favourite_categories on customers.customer_key = favourite_categories.customer_key
    left join replenishments on customers.customer_key = replenishments.customer_key
    left join offers on customers.customer_key = offers.customer_key
    left join warnings on customers.customer_key = warnings.customer_key
)

select * from customer_360
