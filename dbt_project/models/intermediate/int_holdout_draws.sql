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

candidates as (
    select * from {{ ref('int_audience_candidates') }}
),

-- whom no gate before the draw stopped, on one channel at least: these differ in nothing but the draw
asked as (
    select
        verdicts.audience,
        verdicts.customer_key,
        bool_or(verdicts.reason = 'holdout_universal') as is_held_out_everywhere,
        bool_or(verdicts.reason = 'holdout') as is_held_out_here
    from {{ ref('audience_verdicts') }} as verdicts
    inner join measured on verdicts.audience = measured.audience
    where
        verdicts.valid_to = 'infinity'
        and verdicts.reason in (select gates_from_the_draw_on.reason from gates_from_the_draw_on)
    group by verdicts.audience, verdicts.customer_key
),

described as (
    select
        asked.*,
        candidates.stage,
        candidates.abc_tier
    from asked
    inner join candidates
        on
            asked.audience = candidates.audience
            and asked.customer_key = candidates.customer_key
),

-- who gets no marketing at all says nothing of a single audience
int_holdout_draws as (
    select
        audience,
        customer_key,
        is_held_out_here as is_held_out,
        stage,
        abc_tier
    from described
    where not is_held_out_everywhere
    union all
    select
        '*' as audience,
        customer_key,
        bool_or(is_held_out_everywhere) as is_held_out,
        min(stage) as stage,
        min(abc_tier) as abc_tier
    from described
    group by customer_key
)

select * from int_holdout_draws
