with
forecasts as (
    select * from {{ ref('int_stage_forecasts') }}
    where target <= {{ as_of() }}
),

-- where those known at the origin really were
arrived as (
    select
        lifecycle_model,
        origin,
        to_stage as stage,
        sum(count_customers) as count_customers
    from {{ ref('int_stage_flows') }}
    group by lifecycle_model, origin, to_stage
),

compared as (
    select
        forecasts.*,
        coalesce(arrived.count_customers, 0) as actual_customers,
        sum(forecasts.count_customers) over (partition by forecasts.lifecycle_model, forecasts.origin) as panel
    from forecasts
    left join arrived
        on
            forecasts.lifecycle_model = arrived.lifecycle_model
            and forecasts.origin = arrived.origin
            and forecasts.stage = arrived.stage
),

lifecycle_forecast_backtest as (
    select
        lifecycle_model,
        origin,
        target,
        stage,
        count_origins,
        count_customers,
        expected_customers,
        cast(actual_customers as bigint) as actual_customers,
        expected_customers - actual_customers as error,
        round(abs(expected_customers - actual_customers) / panel, 6) as error_share,
        round(abs(count_customers - actual_customers) / panel, 6) as naive_error_share
    from compared
)

select * from lifecycle_forecast_backtest
