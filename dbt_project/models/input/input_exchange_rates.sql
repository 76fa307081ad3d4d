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

-- the shortest route; of two as short the first by name, so that no order of rows decides
best as (
    select distinct on (from_currency, rated_on)
        from_currency,
        rated_on,
        rate
    from routes
    where from_currency in ('{{ currencies | join("', '") }}')
    order by from_currency asc, rated_on asc, detour asc, source asc, through asc
),

-- weekends and holidays have the rate of the day before, but not for ever
input_exchange_rates as (
    select
        from_currency as currency,
        rated_on as valid_from,
        least(
            lead(rated_on) over (partition by from_currency order by rated_on),
            rated_on + {{ var('rate_holds_days') }}
        ) as valid_to,
        cast(rate as numeric(20, 10)) as rate
    from best
)

select * from input_exchange_rates
