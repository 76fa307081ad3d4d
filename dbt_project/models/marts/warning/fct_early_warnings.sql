{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['customer_key', 'opened_on'],
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights('opened_on') }}"
) }}

{% set warning = var('value').early_warning %}
{% set loss = warning.loss %}
{% set opening = [
    'customer_key', 'opened_on', 'tier', 'lifecycle_model', 'stage', 'reasons', 'risk', 'value_at_risk', 'due_by',
] %}

with
signs as (
    select * from {{ ref('int_warning_signs') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

timeline as (
    select * from {{ ref('fct_lifecycle_timeline') }}
),

-- the warnings of finished nights stand as they were given; what became of them is asked anew
{% if is_incremental() %}
    given as (
        select {{ opening | join(', ') }}
        from {{ this }}
        where opened_on <= {{ last_built_night() }}
    ),
{% else %}
    given as (
        select
            customer_key,
            {{ as_of() }} as opened_on,
            abc_tier as tier,
            cast(null as text) as lifecycle_model,
            cast(null as text) as stage,
            reasons,
            risk,
            value_at_risk,
            {{ as_of() }} as due_by
        from signs
        where false
    ),
{% endif %}

-- the days with an order around a warning
days as (
    select
        given.customer_key,
        given.opened_on,
        orders.ordered_on,
        sum(orders.net_amount) as net_amount
    from given
    inner join orders
        on
            given.customer_key = orders.customer_key
            and given.opened_on - {{ loss.days }} < orders.ordered_on
            and given.opened_on + {{ loss.days }} >= orders.ordered_on
    group by given.customer_key, given.opened_on, orders.ordered_on
),

summed as (
    select
        *,
        coalesce(sum(net_amount) filter (where ordered_on <= opened_on) over warning, 0) as before,
        sum(net_amount) filter (where ordered_on > opened_on) over (warning order by ordered_on) as since,
        coalesce(sum(net_amount) over next_days, 0) as following
    from days
    window
        warning as (partition by customer_key, opened_on),
        next_days as (
            partition by customer_key, opened_on
            order by ordered_on
            range between interval '1 day' following and interval '{{ loss.days }} days' following
        )
),

-- plain_on is when a plain look at the spend of the last days says it too: it falls when an order leaves these days
followed as (
    select
        customer_key,
        opened_on,
        max(before) as spent_before,
        coalesce(sum(net_amount) filter (where ordered_on > opened_on), 0) as spent_since,
        min(ordered_on) filter (where ordered_on > opened_on and net_amount > 0) as ordered_again_on,
        min(ordered_on) filter (where since > {{ loss.share }} * before) as returned_on,
        min(ordered_on) filter (where ordered_on <= opened_on and following <= {{ loss.share }} * before)
        + {{ loss.days }} as plain_on
    from summed
    group by customer_key, opened_on
),

-- a key that nobody has any more merged into another one, and so did her orders
became as (
    select
        given.*,
        coalesce(followed.spent_before, 0) as spent_before,
        coalesce(followed.spent_since, 0) as spent_since,
        followed.ordered_again_on,
        followed.returned_on,
        followed.plain_on,
        given.opened_on + {{ loss.days }} <= {{ as_of() }} as is_mature,
        case
            when customers.customer_key is null then 'merged'
            when followed.returned_on is not null then 'returned'
            when given.opened_on + {{ loss.days }} <= {{ as_of() }} then 'lost'
            else 'open'
        end as outcome
    from given
    left join followed
        on
            given.customer_key = followed.customer_key
            and given.opened_on = followed.opened_on
    left join customers on given.customer_key = customers.customer_key
),

closed as (
    select
        *,
        case outcome
            when 'returned' then returned_on
            when 'lost' then opened_on + {{ loss.days }}
        end as closed_on
    from became
),

-- also if she returned, the days on which a warning is judged belong to it alone
resting as (
    select customer_key
    from closed
    where not is_mature or closed_on + {{ warning.cool_down_days }} >= {{ as_of() }}
),

ranked as (
    select
        signs.*,
        row_number() over (order by signs.value_at_risk desc, signs.risk desc, signs.customer_key asc) as place
    from signs
    where
        signs.reasons is not null
        and signs.customer_key not in (select resting.customer_key from resting)
),

fct_early_warnings as (
    select
        {{ opening | join(', ') }},
        outcome,
        closed_on,
        is_mature,
        spent_before,
        spent_since,
        ordered_again_on,
        case when outcome = 'lost' then plain_on - opened_on end as lead_days
    from closed
    union all
    select
        ranked.customer_key,
        {{ as_of() }} as opened_on,
        ranked.abc_tier as tier,
        timeline.lifecycle_model,
        timeline.stage,
        ranked.reasons,
        ranked.risk,
        ranked.value_at_risk,
        {{ as_of() }} + {{ warning.due_days }} as due_by,
        'open' as outcome,
        cast(null as date) as closed_on,
        false as is_mature,
        ranked.spent as spent_before,
        0 as spent_since,
        cast(null as date) as ordered_again_on,
        cast(null as integer) as lead_days
    from ranked
    left join timeline
        on
            ranked.customer_key = timeline.customer_key
            and timeline.lifecycle_model = '{{ var("default_lifecycle") }}'
            and timeline.valid_from <= {{ as_of() }}
            and timeline.valid_to > {{ as_of() }}
    where ranked.place <= {{ warning.nightly_budget }}
)

select * from fct_early_warnings
