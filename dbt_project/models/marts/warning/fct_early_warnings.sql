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

-- the days with an order of everybody who was warned of
order_days as (
    select
        customer_key,
        ordered_on,
        sum(net_amount) as net_amount
    from orders
    where customer_key in (select given.customer_key from given)
    group by customer_key, ordered_on
),

-- those around a warning
summed as (
    select
        given.customer_key,
        given.opened_on,
        given.loss_share,
        order_days.ordered_on,
        order_days.net_amount,
        coalesce(sum(order_days.net_amount) filter (
            where order_days.ordered_on <= given.opened_on
        ) over warning, 0) as before,
        sum(order_days.net_amount) filter (
            where order_days.ordered_on > given.opened_on
        ) over (warning order by order_days.ordered_on) as since
    from given
    inner join order_days
        on
            given.customer_key = order_days.customer_key
            and given.opened_on - given.loss_days < order_days.ordered_on
            and given.opened_on + given.loss_days >= order_days.ordered_on
    window warning as (partition by given.customer_key, given.opened_on)
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

-- A key that nobody has any more merged into another one, and so did her orders. Who was given back all that she had
-- spent had nothing to lose: that she did not come back proves nothing.
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
            when coalesce(followed.spent_before, 0) <= 0 then 'refunded'
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

-- What a plain look says of who was lost, at what she spent lately and in as many days before: it can begin to see a
-- loss only when an order leaves the days that are lately. Frames are as long as a loss is by its warning; a day is
-- more than the millionth by which they open and close.
looked as (
    select
        closed.customer_key,
        closed.opened_on,
        closed.loss_days,
        closed.loss_share,
        order_days.ordered_on,
        sum(order_days.net_amount) over (life range between 0.999999 preceding and current row) as up_to_day,
        coalesce(sum(order_days.net_amount) over (
            life range between 0.000001 following and 1.000001 following
        ), 0) as after_day
    from closed
    inner join order_days
        on
            closed.customer_key = order_days.customer_key
            and closed.opened_on - 3 * closed.loss_days < order_days.ordered_on
            and closed.opened_on + closed.loss_days >= order_days.ordered_on
    where closed.outcome = 'lost'
    window
        life as (
            partition by closed.customer_key, closed.opened_on
            order by cast(order_days.ordered_on - closed.opened_on as double precision) / closed.loss_days
        )
),

plain as (
    select
        customer_key,
        opened_on,
        min(ordered_on + loss_days) as plain_on
    from looked
    where
        ordered_on > opened_on - 2 * loss_days
        and ordered_on <= opened_on
        and up_to_day > 0
        and after_day <= loss_share * up_to_day
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
        plain.plain_on - closed.opened_on as lead_days
    from closed
    left join plain
        on
            closed.customer_key = plain.customer_key
            and closed.opened_on = plain.opened_on
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
        ranked.loss_days,
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
