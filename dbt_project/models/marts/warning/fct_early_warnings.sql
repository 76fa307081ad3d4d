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
    'loss_days', 'loss_share',
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

former_keys as (
    select * from {{ ref('int_former_keys') }}
),

-- the warnings of finished nights stand as they were given, and what was a loss then; what became of them is asked anew
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
            {{ as_of() }} as due_by,
            {{ loss.days }} as loss_days,
            cast({{ loss.share }} as numeric) as loss_share
        from signs
        where false
    ),
{% endif %}

-- the days with an order around a warning, and as far back as a plain look then looked
days as (
    select
        given.customer_key,
        given.opened_on,
        given.loss_days,
        given.loss_share,
        orders.ordered_on,
        sum(orders.net_amount) as net_amount
    from given
    inner join orders
        on
            given.customer_key = orders.customer_key
            and given.opened_on - 3 * given.loss_days < orders.ordered_on
            and given.opened_on + given.loss_days >= orders.ordered_on
    group by given.customer_key, given.opened_on, given.loss_days, given.loss_share, orders.ordered_on
),

summed as (
    select
        *,
        coalesce(sum(net_amount) filter (
            where ordered_on > opened_on - loss_days and ordered_on <= opened_on
        ) over warning, 0) as before,
        sum(net_amount) filter (where ordered_on > opened_on) over (warning order by ordered_on) as since
    from days
    window warning as (partition by customer_key, opened_on)
),

followed as (
    select
        customer_key,
        opened_on,
        max(before) as spent_before,
        coalesce(sum(net_amount) filter (where ordered_on > opened_on), 0) as spent_since,
        min(ordered_on) filter (where ordered_on > opened_on and net_amount > 0) as ordered_again_on,
        min(ordered_on) filter (where since > loss_share * before) as returned_on
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
        given.opened_on + given.loss_days <= {{ as_of() }} as is_mature,
        case
            when customers.customer_key is null then 'merged'
            when followed.returned_on is not null then 'returned'
            when given.opened_on + given.loss_days <= {{ as_of() }} then 'lost'
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
            when 'lost' then opened_on + loss_days
        end as closed_on
    from became
),

-- what a plain look said of who was lost: what she spent lately, and in as many days before. It can begin to see a loss
-- only when an order leaves the days that are lately.
looked as (
    select
        leaving.customer_key,
        leaving.opened_on,
        leaving.loss_share,
        leaving.ordered_on + leaving.loss_days as looked_on,
        coalesce(sum(around.net_amount) filter (where around.ordered_on > leaving.ordered_on), 0) as spent_lately,
        sum(around.net_amount) filter (where around.ordered_on <= leaving.ordered_on) as spent_before
    from closed
    inner join days as leaving
        on
            closed.customer_key = leaving.customer_key
            and closed.opened_on = leaving.opened_on
            and closed.opened_on - 2 * closed.loss_days < leaving.ordered_on
            and closed.opened_on >= leaving.ordered_on
    inner join days as around
        on
            leaving.customer_key = around.customer_key
            and leaving.opened_on = around.opened_on
            and leaving.ordered_on - leaving.loss_days < around.ordered_on
            and leaving.ordered_on + leaving.loss_days >= around.ordered_on
    where closed.outcome = 'lost'
    group by leaving.customer_key, leaving.opened_on, leaving.loss_days, leaving.loss_share, leaving.ordered_on
),

plainly as (
    select
        customer_key,
        opened_on,
        min(looked_on) as plain_on
    from looked
    where spent_before > 0 and spent_lately <= loss_share * spent_before
    group by customer_key, opened_on
),

-- also if she returned, the days on which a warning is judged belong to it alone, whoever she is by now
resting as (
    select coalesce(former_keys.customer_key, closed.customer_key) as customer_key
    from closed
    left join former_keys on closed.customer_key = former_keys.former_key
    where
        not closed.is_mature
        or coalesce(closed.closed_on, closed.opened_on + closed.loss_days)
        + {{ warning.cool_down_days }} >= {{ as_of() }}
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
        closed.{{ opening | join(', closed.') }},
        closed.outcome,
        closed.closed_on,
        closed.is_mature,
        closed.spent_before,
        closed.spent_since,
        closed.ordered_again_on,
        plainly.plain_on - closed.opened_on as lead_days
    from closed
    left join plainly
        on
            closed.customer_key = plainly.customer_key
            and closed.opened_on = plainly.opened_on
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
        {{ loss.days }} as loss_days,
        {{ loss.share }} as loss_share,
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
