with
flows as (
    select * from {{ ref('int_stage_flows') }}
),

stages as (
    select * from {{ ref('dim_stages') }}
),

starts as (
    select
        lifecycle_model,
        origin,
        from_stage as stage,
        cast(sum(count_customers) as bigint) as count_customers
    from flows
    group by lifecycle_model, origin, from_stage
    union all
    select
        lifecycle_model,
        day as origin,
        stage,
        count_customers
    from {{ ref('fct_stage_counts') }}
    where day = {{ as_of() }} and count_customers > 0
),

made as (
    select distinct
        lifecycle_model,
        origin
    from starts
),

-- what was known at an origin: where customers of earlier origins were when their horizon had passed
known as (
    select
        made.lifecycle_model,
        made.origin,
        flows.origin as past_origin,
        flows.from_stage,
        flows.to_stage,
        flows.count_customers
    from made
    inner join flows
        on
            made.lifecycle_model = flows.lifecycle_model
            and made.origin >= flows.target
),

pooled as (
    select
        lifecycle_model,
        origin,
        from_stage,
        to_stage,
        sum(count_customers) as count_customers
    from known
    group by lifecycle_model, origin, from_stage, to_stage
),

shares as (
    select
        *,
        count_customers / sum(count_customers) over (partition by lifecycle_model, origin, from_stage) as probability
    from pooled
),

-- a stage nobody was in at an earlier origin is taken to stay as it is
moved as (
    select
        starts.lifecycle_model,
        starts.origin,
        coalesce(shares.to_stage, starts.stage) as stage,
        starts.count_customers * coalesce(shares.probability, 1) as expected_customers
    from starts
    left join shares
        on
            starts.lifecycle_model = shares.lifecycle_model
            and starts.origin = shares.origin
            and starts.stage = shares.from_stage
),

expected as (
    select
        lifecycle_model,
        origin,
        stage,
        sum(expected_customers) as expected_customers
    from moved
    group by lifecycle_model, origin, stage
),

origins as (
    select
        lifecycle_model,
        origin,
        count(distinct past_origin) as count_origins
    from known
    group by lifecycle_model, origin
),

int_stage_forecasts as (
    select
        origins.lifecycle_model,
        origins.origin,
        origins.origin + {{ forecast_days() }} as target,
        stages.stage,
        origins.count_origins,
        coalesce(starts.count_customers, 0) as count_customers,
        round(coalesce(expected.expected_customers, 0), 1) as expected_customers
    from origins
    inner join stages on origins.lifecycle_model = stages.lifecycle_model
    left join starts
        on
            origins.lifecycle_model = starts.lifecycle_model
            and origins.origin = starts.origin
            and stages.stage = starts.stage
    left join expected
        on
            origins.lifecycle_model = expected.lifecycle_model
            and origins.origin = expected.origin
            and stages.stage = expected.stage
)

select * from int_stage_forecasts
