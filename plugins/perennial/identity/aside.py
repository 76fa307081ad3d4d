"""What `perennial identity preview` asks of the tables it built aside, in the schema perennial_scratch."""

CONCERNED = """
    create table perennial_scratch.concerned as
    with
    before as (
        select own_key, customer_key from pii.identity_memberships
        where valid_from <= %(before)s and valid_to > %(before)s
    ),
    moved as (
        select before.customer_key as former_key, now.customer_key
        from before inner join perennial_scratch.int_identity as now using (own_key)
        where before.customer_key <> now.customer_key
    )
    select now.source, now.source_customer_id, now.known_on, now.own_key, now.blocks, now.joined_by,
        before.customer_key as former_key, now.customer_key
    from perennial_scratch.int_identity as now
    left join before using (own_key)
    where now.customer_key in (select customer_key from moved union select former_key from moved)
        or before.customer_key in (select customer_key from moved union select former_key from moved)
"""
KEYS = """
    create or replace view perennial_scratch.int_customer_keys as
    select source, source_customer_id, known_on, {key} as customer_key
    from perennial_scratch.concerned where {key} is not null
"""
# who is whose tonight, if nothing changed, and as it was resolved
TONIGHT = {
    "former_key": "select * from known where valid_to = 'infinity'",
    "customer_key": "select * from perennial_scratch.int_identity",
}
# who was whose until tonight, and is from then on
MEMBERSHIPS = """
    drop table if exists perennial_scratch.identity_memberships cascade;
    create table perennial_scratch.identity_memberships as
    with
    known as (
        select own_key, source, source_customer_id, customer_key, valid_from,
            case when valid_to > '{before}' then 'infinity' else valid_to end as valid_to
        from pii.identity_memberships where valid_from <= '{before}'
    ),
    tonight as (
        {tonight}
    )
    select known.own_key, known.source, known.source_customer_id, known.customer_key, known.valid_from,
        case
            when known.valid_to = 'infinity' and known.customer_key is distinct from tonight.customer_key
                then date '{as_of}'
            else known.valid_to
        end as valid_to
    from known left join tonight using (own_key)
    union all
    select tonight.own_key, tonight.source, tonight.source_customer_id, tonight.customer_key, '{as_of}', 'infinity'
    from tonight left join known on tonight.own_key = known.own_key and known.valid_to = 'infinity'
    where tonight.customer_key is distinct from known.customer_key
"""
# the newest tier of everybody by the borders of the marts; without marts, or by forecasts, nobody can tell
LIVED = """
    with
    people as (select distinct customer_key from perennial_scratch.int_customer_keys),
    earned as (
        select customer_key, sum(amount) * %(margin)s as value from perennial_scratch.int_ledger
        where event_on <= %(as_of)s and ordered_on > %(as_of)s::date - 365 group by customer_key
    ),
    wished as (
        select customer_key, channel
        from perennial_scratch.int_wishes
        inner join (
            select source, source_customer_id, customer_key from perennial_scratch.int_customer_keys
            union all
            select source, source_customer_id, customer_key from perennial_scratch.int_gone_records
        ) as records using (source, source_customer_id)
    ),
    stated as (
        select customer_key, channel, purpose,
            case when (customer_key, channel) in (select * from wished) then 'denied' else status end as status
        from perennial_scratch.consents
    )
    select people.customer_key,
        (
            select stage from perennial_scratch.int_stays as stays
            where stays.customer_key = people.customer_key and lifecycle_model = %(model)s
                and valid_from <= %(as_of)s and valid_to > %(as_of)s
        ) as stage,
        case
            when people.customer_key not in (select customer_key from perennial_scratch.int_ledger) then 'N'
            else coalesce((
                select min(tier) from unnest(%(tiers)s::text[], %(borders)s::numeric[]) as t (tier, border)
                where coalesce(earned.value, 0) >= border
            ), %(otherwise)s)
        end as tier,
        (
            select string_agg(format('%%s %%s %%s', channel, purpose, status), ', ' order by channel, purpose)
            from stated where stated.customer_key = people.customer_key
        ) as consent,
        mod(
            cast(cast('x' || left(md5(%(salt)s || '|everywhere|' || people.customer_key), 8) as bit(32)) as bigint),
            10000
        ) < %(universal)s as is_held_out
    from people left join earned using (customer_key)
"""
BORDERS = "select abc_tier as tier, min(value_12m) as border from marts.customer_abc where abc_tier <> 'N' group by 1"
