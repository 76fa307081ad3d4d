with
measured as (
    {{ measured() }}
),

gates as (
    select * from {{ ref('audience_waterfall') }}
),

gates_from_the_draw_on as (
    select distinct gates.reason
    from gates
    inner join gates as draw on gates.gate >= draw.gate
    where draw.reason = 'holdout_universal'
),

verdicts as (
    select * from {{ ref('audience_verdicts') }}
    where valid_to = 'infinity'
),

-- whom no gate before the draw stopped, on one channel at least: these differ in nothing but the draw
drawn as (
    select candidates.*
    from {{ ref('int_audience_candidates') }} as candidates
    inner join measured on candidates.audience = measured.audience
    where exists (
        select from verdicts
        where
            candidates.audience = verdicts.audience
            and candidates.customer_key = verdicts.customer_key
            and verdicts.reason in (select gates_from_the_draw_on.reason from gates_from_the_draw_on)
    )
),

-- who gets no marketing at all says nothing of a single audience
int_holdout_draws as (
    select
        audience,
        customer_key,
        is_held_out_here as is_held_out,
        stage,
        abc_tier
    from drawn
    where not is_held_out_everywhere
    union all
    select
        '*' as audience,
        customer_key,
        bool_or(is_held_out_everywhere) as is_held_out,
        min(stage) as stage,
        min(abc_tier) as abc_tier
    from drawn
    group by customer_key
)

select * from int_holdout_draws
