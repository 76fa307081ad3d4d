{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_key',
    on_schema_change='fail',
    pre_hook="{{ forget_retired_customers() }}",
    indexes=[{'columns': ['customer_key', 'lifecycle_model', 'valid_from'], 'unique': true}]
) }}

with
episodes as (
    select
        *,
        md5(facts_hash || {{ rules_hash() }}) as built_from
    from {{ ref('int_episodes') }}
),

{% if is_incremental() %}
    built as (
        select distinct
            customer_key,
            built_from
        from {{ this }}
    ),

    changed as (
        select episodes.*
        from episodes
        left join built
            on
                episodes.customer_key = built.customer_key
                and episodes.built_from = built.built_from
        where built.customer_key is null
    ),
{% else %}
    changed as (
        select * from episodes
    ),
{% endif %}

steps as (
    {% for model in var('lifecycle') %}
        select
            '{{ model.name }}' as lifecycle_model,
            e.*,
            boundary.day,
            boundary.clock,
            {{ model.stage }} as stage,
            {{ model.stage_without_trend }} as stage_without_trend
        from changed as e
        cross join
            lateral (
                select
                    candidate.day,
                    min(candidate.clock) as clock
                from (values {{ model.candidates }}) as candidate (day, clock)
                where candidate.day >= e.episode_on and candidate.day < e.episode_to
                group by candidate.day
            ) as boundary
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

compared as (
    select
        *,
        lag(stage) over (partition by customer_key, lifecycle_model order by day) as stage_before
    from steps
),

-- only a change of stage opens an interval: equal neighbours are one stay
entries as (
    select
        *,
        lead(day, 1, date 'infinity') over (partition by customer_key, lifecycle_model order by day) as valid_to
    from compared
    where stage is distinct from stage_before
),

fct_lifecycle_timeline as (
    select
        customer_key,
        lifecycle_model,
        stage,
        day as valid_from,
        valid_to,
        case
            when clock = 'recency' then 'event'
            when clock <> 'opening' then clock
            when stage <> stage_without_trend then 'trend'
            else opened_by
        end as entered_by,
        jsonb_strip_nulls(jsonb_build_object(
            'orders', orders,
            'first_order_on', first_order_on,
            'last_order_on', last_order_on,
            'silence_days', day - last_order_on,
            'cycle_days', round(cast(cycle_days as numeric), 1),
            'spend', round(cast(spend as numeric), 2),
            'trend', trend,
            'spend_change', round(cast(spend_change as numeric), 3),
            'frequency_change', round(cast(frequency_change as numeric), 2),
            'recent_spend', round(cast(recent_spend as numeric), 2),
            'events', events,
            'scheduled', scheduled
        )) as details,
        built_from
    from entries
)

select * from fct_lifecycle_timeline
