{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

{% set warning = var('value').early_warning %}
{% set loss = warning.loss %}
{% set late = 'orders.ordered_on > tiers.month_end - tiers.loss_days' %}

with
moves as (
    select * from {{ ref('fct_tier_moves') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

warnings as (
    select * from {{ ref('fct_early_warnings') }}
),

-- who merged is one person, also under the keys she had
redirects as (
    select * from {{ ref('dim_customer_redirects') }}
),

cycles as (
    select
        customer_key,
        cycle_days
    from {{ ref('int_episodes') }}
    where episode_to = 'infinity'
),

-- the nights on which warnings were given
nights as (
    select distinct as_of
    from {{ ref('fct_segment_totals') }}
),

-- younger marts do not know whom to ask about, or did not warn yet
known as (
    select greatest((select min(moves.as_of) from moves), (select min(nights.as_of) from nights)) as since
),

calendar as (
    select
        cast(first_days.day as date) as month,
        cast(first_days.day + interval '1 month' as date) - 1 as month_end,
        known.since
    from known
    cross join generate_series({{ month_of('known.since') }}, {{ as_of() }}, interval '1 month') as first_days (day)
),

-- the months that are over, unless an earlier night has spoken of them, or nobody could have been warned of
months as (
    select
        month,
        month_end
    from calendar
    where
        {{ month_is_over('month') }}
        and month_end - {{ loss.days }} >= since
        and exists (
            select nights.as_of from nights
            where nights.as_of >= calendar.month_end - {{ loss.days }} and nights.as_of < calendar.month_end
        )
        and {{ warning.nightly_budget }} > 0
        {% if is_incremental() %}
            and month_end not in (select told.month_end from {{ this }} as told)
        {% endif %}
),

-- a loss lasts; the month before tells whether it is a new one
asked as (
    select month_end from months
    union
    select month - 1 as month_end from months
),

keys as (
    select
        held.customer_key as held_key,
        coalesce(redirects.customer_key, held.customer_key) as customer_key
    from (select distinct moves.customer_key from moves) as held
    left join redirects on held.customer_key = redirects.former_key
),

judged as (
    select
        keys.*,
        coalesce({{ loss_days('cycles.cycle_days') }}, {{ loss.days }}) as loss_days
    from keys
    left join cycles on keys.customer_key = cycles.customer_key
),

-- in which tier everybody was when her last days of the month began
held_tiers as (
    select distinct on (asked.month_end, moves.customer_key)
        judged.customer_key,
        judged.loss_days,
        moves.to_tier,
        asked.month_end
    from moves
    inner join judged on moves.customer_key = judged.held_key
    inner join asked on moves.as_of <= asked.month_end - judged.loss_days
    order by asked.month_end asc, moves.customer_key asc, moves.as_of desc
),

-- of several keys the highest tier, which the alphabet has first
tiers as (
    select
        customer_key,
        loss_days,
        month_end,
        min(to_tier) as to_tier
    from held_tiers
    group by customer_key, loss_days, month_end
),

spent as (
    select
        tiers.customer_key,
        tiers.loss_days,
        tiers.month_end,
        coalesce(sum(orders.net_amount) filter (where not {{ late }}), 0) as before,
        coalesce(sum(orders.net_amount) filter (where {{ late }}), 0) as since
    from tiers
    inner join orders
        on
            tiers.customer_key = orders.customer_key
            and tiers.month_end - 2 * tiers.loss_days < orders.ordered_on
            and tiers.month_end >= orders.ordered_on
    where tiers.to_tier in ('{{ warning.tiers | join("', '") }}')
    group by tiers.customer_key, tiers.loss_days, tiers.month_end
),

less as (
    select
        customer_key,
        loss_days,
        month_end
    from spent
    where before > 0 and since <= {{ loss.share }} * before
),

-- a loss counts in the first month at whose end it was one
lost as (
    select
        less.customer_key,
        less.loss_days,
        less.month_end
    from less
    inner join months on less.month_end = months.month_end
    left join less as earlier
        on
            less.customer_key = earlier.customer_key
            and earlier.month_end = months.month - 1
    where earlier.customer_key is null
),

given as (
    select
        coalesce(redirects.customer_key, warnings.customer_key) as customer_key,
        warnings.opened_on,
        warnings.reasons
    from warnings
    left join redirects on warnings.customer_key = redirects.former_key
),

-- however often she was warned of
warned as (
    select
        lost.month_end,
        lost.customer_key,
        string_agg(given.reasons, ', ') as reasons
    from lost
    left join given
        on
            lost.customer_key = given.customer_key
            and lost.month_end - lost.loss_days <= given.opened_on
            and lost.month_end > given.opened_on
    group by lost.month_end, lost.customer_key
),

reasons as (
    select reason
    from unnest(array['any', 'overdue', 'spend_falling', 'no_order_likely']) as told (reason)
),

early_warning_recall as (
    select
        {{ as_of() }} as as_of,
        months.month,
        months.month_end,
        reasons.reason,
        count(warned.month_end) as count_losses,
        count(warned.reasons) filter (
            where reasons.reason = 'any' or reasons.reason = any(string_to_array(warned.reasons, ', '))
        ) as count_warned
    from months
    cross join reasons
    left join warned on months.month_end = warned.month_end
    group by months.month, months.month_end, reasons.reason
)

select * from early_warning_recall
