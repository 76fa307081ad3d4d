with
orders as (
    select * from {{ ref('fct_orders') }}
    where is_valid
),

-- who bought what in which month comes first: names are many times fewer than lines
bought_lines as (
    select distinct
        order_lines.category,
        orders.customer_key,
        cast(date_trunc('month', cast(orders.ordered_on as timestamp)) as date) as month
    from orders
    inner join {{ ref('input_order_lines') }} as order_lines
        on
            orders.source = order_lines.source
            and orders.order_id = order_lines.order_id
    where order_lines.category is not null
),

bought as (
    select distinct
        'shop' as line_type,
        'shop' as line,
        customer_key,
        cast(date_trunc('month', cast(ordered_on as timestamp)) as date) as month
    from orders
    union all
    select distinct
        'category' as line_type,
        lower(btrim(regexp_replace(category, '\s+', ' ', 'g'))) as line,
        customer_key,
        month
    from bought_lines
    where category ~ '[[:alnum:]]'
),

-- who buys in a month is active in three, that one and the two after it, or until she buys again
active as (
    select
        line_type,
        line,
        month,
        least(
            month + interval '3 months',
            lead(month) over (partition by line_type, line, customer_key order by month)
        ) as month_to
    from bought
),

changes as (
    select
        active.line_type,
        active.line,
        step.month,
        sum(step.delta) as delta
    from active
    cross join lateral (values (active.month, 1), (cast(active.month_to as date), -1)) as step (month, delta)
    group by active.line_type, active.line, step.month
),

-- complete months only
months as (
    select
        line_type,
        line,
        cast(generate_series(
            min(month),
            cast({{ as_of() }} + 1 as timestamp) - interval '1 month',
            interval '1 month'
        ) as date) as month
    from changes
    group by line_type, line
),

counted as (
    select
        months.*,
        row_number() over life as age_months,
        cast(sum(coalesce(changes.delta, 0)) over life as bigint) as count_active
    from months
    left join changes
        on
            months.line_type = changes.line_type
            and months.line = changes.line
            and months.month = changes.month
    window life as (partition by months.line_type, months.line order by months.month)
),

compared as (
    select
        *,
        lag(count_active, 3) over (partition by line_type, line order by month) as count_active_before
    from counted
),

-- before its sixth month a line has no two full windows to compare
grown as (
    select
        *,
        case
            when age_months >= 6
                then cast(count_active as numeric) / nullif(count_active_before, 0) - 1
        end as growth
    from compared
),

staged as (
    select
        *,
        case
            when age_months < 6 or (age_months = 6 and growth > 0.30) then 'introduction'
            when growth > 0.10 or (count_active > 0 and count_active_before = 0) then 'growth'
            when growth >= -0.10 then 'maturity'
            else 'decline'
        end as stage
    from grown
),

shop_lifecycle as (
    select
        staged.month,
        staged.line_type,
        staged.line,
        staged.age_months,
        staged.count_active,
        case when staged.age_months >= 6 then staged.count_active_before end as count_active_before,
        round(staged.growth, 6) as growth,
        staged.stage,
        labels.label_en,
        labels.label_zh
    from staged
    inner join (
        values
        ('introduction', 'Introduction', '引入期'),
        ('growth', 'Growth', '成长期'),
        ('maturity', 'Maturity', '成熟期'),
        ('decline', 'Decline', '衰退期')
    ) as labels (stage, label_en, label_zh) on staged.stage = labels.stage
)

select * from shop_lifecycle
