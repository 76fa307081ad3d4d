with
orders as (
    select * from {{ ref('fct_orders') }}
),

-- a year ahead, since forecasts and planned transitions are joined with it, too
days as (
    select cast(generate_series(min(ordered_on), {{ as_of() }} + 366, interval '1 day') as date) as day
    from orders
),

dim_days as (
    select
        day,
        cast(date_trunc('week', cast(day as timestamp)) as date) as week,
        {{ month_of('day') }} as month,
        cast(date_trunc('quarter', cast(day as timestamp)) as date) as quarter,
        cast(extract(year from day) as integer) as year,
        cast(extract(isodow from day) as integer) as weekday
    from days
)

select * from dim_days
