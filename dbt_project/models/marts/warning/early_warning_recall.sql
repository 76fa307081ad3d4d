{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    pre_hook="{{ forget_unfinished_nights() }}"
) }}

{% set warning = var('value').early_warning %}
{% set loss = warning.loss %}
{% set late = 'orders.ordered_on > tiers.month_end - ' ~ loss.days %}

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

-- in which tier everybody was when the last days of the month began
tiers as (
    select distinct on (months.month_end, moves.customer_key)
        moves.customer_key,
        moves.to_tier,
        months.month_end
    from moves
    inner join months on moves.as_of <= months.month_end - {{ loss.days }}
    order by months.month_end asc, moves.customer_key asc, moves.as_of desc
),

spent as (
    select
        tiers.customer_key,
        tiers.month_end,
        coalesce(sum(orders.net_amount) filter (where not {{ late }}), 0) as before,
        coalesce(sum(orders.net_amount) filter (where {{ late }}), 0) as since
    from tiers
    inner join orders
        on
            tiers.customer_key = orders.customer_key
            and tiers.month_end - {{ 2 * loss.days }} < orders.ordered_on
            and tiers.month_end >= orders.ordered_on
    where tiers.to_tier in ('{{ warning.tiers | join("', '") }}')
    group by tiers.customer_key, tiers.month_end
),

lost as (
    select
        spent.month_end,
        warnings.reasons
    from spent
    left join warnings
        on
            spent.customer_key = warnings.customer_key
            and spent.month_end - {{ loss.days }} <= warnings.opened_on
            and spent.month_end > warnings.opened_on
    where spent.before > 0 and spent.since <= {{ loss.share }} * spent.before
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
        count(lost.month_end) as count_losses,
        count(lost.reasons) filter (
            where reasons.reason = 'any' or reasons.reason = any(string_to_array(lost.reasons, ', '))
        ) as count_warned
    from months
    cross join reasons
    left join lost on months.month_end = lost.month_end
    group by months.month, months.month_end, reasons.reason
)

select * from early_warning_recall
