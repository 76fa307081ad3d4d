{# what is asked of the past: every number of days once #}
{% set asked = [var('holdout').effect_days] %}
{% for audience in var('audiences') if audience.is_marketing %}
    {% do asked.append(audience.effect_days) %}
{% endfor %}
{% set asked = asked | unique | sort %}

with
timeline as (
    select * from {{ ref('fct_lifecycle_timeline') }}
    where lifecycle_model = '{{ var("default_lifecycle") }}'
),

tiers as (
    select * from {{ ref('customer_abc') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

order_days as (
    select * from {{ ref('int_customer_days') }}
    where day > {{ as_of() }} - {{ 2 * asked[-1] }}
),

asked as (
    select * from unnest(array[{{ asked | join(', ') }}]) as asked (effect_days)
),

-- who was known so many days ago, and in which stage; tiers are tonight's, but who had not bought then had none
known as (
    select
        asked.effect_days,
        timeline.customer_key,
        timeline.stage,
        case
            when customers.first_ordered_on <= {{ as_of() }} - asked.effect_days then tiers.abc_tier
            else 'N'
        end as abc_tier
    from asked
    inner join timeline
        on
            timeline.valid_from <= {{ as_of() }} - asked.effect_days
            and timeline.valid_to > {{ as_of() }} - asked.effect_days
    inner join tiers on timeline.customer_key = tiers.customer_key
    inner join customers on timeline.customer_key = customers.customer_key
),

earned as (
    select
        asked.effect_days,
        order_days.customer_key,
        sum(order_days.net_revenue) filter (where order_days.day > {{ as_of() }} - asked.effect_days) as revenue,
        sum(order_days.net_revenue) filter (where order_days.day <= {{ as_of() }} - asked.effect_days) as revenue_before
    from asked
    inner join order_days on order_days.day > {{ as_of() }} - 2 * asked.effect_days
    group by asked.effect_days, order_days.customer_key
),

valued as (
    select
        known.*,
        coalesce(earned.revenue, 0) * {{ var('value').margin }} as y,
        coalesce(earned.revenue_before, 0) * {{ var('value').margin }} as x
    from known
    left join earned
        on
            known.effect_days = earned.effect_days
            and known.customer_key = earned.customer_key
),

int_past_outcomes as (
    select
        effect_days,
        stage,
        abc_tier,
        count(*) as count_customers,
        cast(avg(y) as double precision) as y,
        cast(avg(x) as double precision) as x,
        cast(avg(y * y) as double precision) as yy,
        cast(avg(x * x) as double precision) as xx,
        cast(avg(x * y) as double precision) as xy
    from valued
    group by effect_days, stage, abc_tier
)

select * from int_past_outcomes
