{% set currencies = var('other_currencies') %}
{% set own = var('currency') %}

with
newest as (
    {{ newest_version('exchange_rates', ['base', 'currency', 'rated_on']) }}
),

told as (
    select
        source,
        base,
        currency,
        rated_on,
        rate
    from newest
    where rated_on <= {{ as_of() }}
),

-- a rate tells both ways; the way it was told comes first
legs as (
    select
        base as from_currency,
        currency as to_currency,
        rated_on,
        rate,
        0 as detour,
        source
    from told
    union all
    select
        currency as from_currency,
        base as to_currency,
        rated_on,
        1 / rate as rate,
        1 as detour,
        source
    from told
),

-- a bank that tells what its own currency is worth tells of two others what they are worth to each other
routes as (
    select
        from_currency,
        rated_on,
        rate,
        detour,
        '' as through,
        source
    from legs
    where to_currency = '{{ own }}'
    union all
    select
        there.from_currency,
        there.rated_on,
        there.rate * onward.rate as rate,
        2 as detour,
        there.to_currency as through,
        there.source
    from legs as there
    inner join legs as onward
        on
            there.to_currency = onward.from_currency
            and there.rated_on = onward.rated_on
            and there.source = onward.source
    where onward.to_currency = '{{ own }}' and there.from_currency <> onward.to_currency
),

-- weekends and holidays have the rate of the day before, but not for ever
held as (
    select
        routes.*,
        cast(days.day as date) as day
    from routes
    cross join
        lateral generate_series(
            routes.rated_on,
            least(routes.rated_on + {{ var('rate_holds_days') }} - 1, {{ as_of() }}),
            interval '1 day'
        ) as days (day)
    where routes.from_currency in ('{{ currencies | join("', '") }}')
),

-- of those that hold the shortest route, and its newest rate; then by name, so that no order of rows decides
input_exchange_rates as (
    select distinct on (from_currency, day)
        from_currency as currency,
        day,
        rated_on,
        cast(rate as numeric(38, 16)) as rate
    from held
    order by from_currency asc, day asc, detour asc, rated_on desc, source asc, through asc
)

select * from input_exchange_rates
