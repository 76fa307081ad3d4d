with
forecasts as (
    select * from {{ ref('int_stage_forecasts') }}
    where origin = {{ as_of() }}
),

proven as (
    select
        lifecycle_model,
        count(distinct origin) as count_backtests,
        avg(error_share) as mean_error_share,
        avg(naive_error_share) as naive_mean_error_share
    from {{ ref('lifecycle_forecast_backtest') }}
    group by lifecycle_model
),

lifecycle_forecast as (
    select
        forecasts.origin as as_of,
        forecasts.lifecycle_model,
        forecasts.stage,
        forecasts.target as forecast_on,
        forecasts.count_customers,
        forecasts.expected_customers,
        forecasts.count_origins,
        coalesce(proven.count_backtests, 0) as count_backtests,
        round(proven.mean_error_share, 6) as mean_error_share,
        round(proven.naive_mean_error_share, 6) as naive_mean_error_share
    from forecasts
    left join proven on forecasts.lifecycle_model = proven.lifecycle_model
)

select * from lifecycle_forecast
