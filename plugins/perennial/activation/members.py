"""Who is to be in an audience at a destination, and what is said of her: the table `desired` of a session.

Columns: customer_key, address, attributes (jsonb), fingerprint of the last two, send_on (the day on her own clocks). A
person who ordered after the night is not in it: who just bought is not asked why she does not.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from perennial.config import Config
from perennial.destinations.base import Channel, Settings
from perennial.errors import GateError

# in the order in which it is read several times
DECIDED = """
    create temporary table desired as
    select m.customer_key, {address} as address, jsonb_build_object({attributes}) as attributes,
        md5(row({address}, {columns})::text) as fingerprint, m.send_on
    from activation.audience_members as m
    join pii.customer_contacts as p using (customer_key)
    join marts.customer_360 as c using (customer_key)
    where m.as_of = %(as_of)s and c.as_of = m.as_of and m.audience = %(audience)s and m.destination = %(destination)s
        and m.channel = %(channel)s and m.purpose = %(purpose)s and m.verdict = 'export' and {address} is not null
    order by m.customer_key
"""
VERDICTS = """
    select count(*) as verdicts from activation.audience_members
    where audience = %(audience)s and destination = %(destination)s and verdict = 'export'
"""
BOUGHT_SINCE = """
    delete from desired where customer_key in (
        select keys.customer_key
        from raw.orders
        join intermediate.int_customer_keys as keys
            on orders.source = keys.source and orders.customer_id = keys.source_customer_id
        where orders.ordered_at >= %s
    )
"""
# who said so to a tool after the audiences were decided; addresses compare as the macro comparable_address has them. A
# wish counts for every address that any record of hers ever gave, as in int_opt_outs, a bounce for the one in use
OPTED_OUT_SINCE = """
    with
    said as materialized (
        select reason <> 'bounced' as is_wish, case channel
            when 'email' then lower(btrim(address))
            else '+' || ltrim(regexp_replace(address, '[^0-9]', '', 'g'), '0')
        end as address
        from pii.opt_outs
        where channel = %(channel)s
    ),
    records as (
        select given.source, given.source_customer_id
        from pii.int_given_addresses as given
        where given.channel = %(channel)s and given.address in (select address from said where is_wish)
    )
    delete from desired
    where address in (select address from said)
        or customer_key in (
            select customer_key from records
            join intermediate.int_customer_keys using (source, source_customer_id)
            union all
            select customer_key from records
            join intermediate.int_gone_records using (source, source_customer_id)
        )
    returning customer_key
"""
# who said so to a source in what was loaded for a later night while the plan waited; what could not be understood may
# have been that, and whatever was said again in the same batches, nobody is asked for it here. It counts for whoever
# gave an address of the record that said so, as in int_shared_denials: a number for messages only
LATER_BATCHES = "select batch_id from ops.batches where entity = 'consents' and as_of > %s"
DENIED_SINCE = """
    with
    said as materialized (
        select source, customer_id from raw.consents
        where batch_id = any(%(batches)s) and status = 'denied' and channel = %(channel)s and purpose = %(purpose)s
        union
        select source, mapped ->> 'customer_id' from quarantine.rejected_rows
        where batch_id = any(%(batches)s) and reason <> 'excluded_by_rule' and mapped ->> 'status' is not null
    ),
    addresses as materialized (
        select customer_id as hash from said where starts_with(customer_id, 'email:')
        union
        select 'email:' || md5(lower(btrim(c.email))) from raw.customers as c join said using (source, customer_id)
        union
        select 'phone:' || md5('+' || ltrim(regexp_replace(c.phone, '[^0-9]', '', 'g'), '0'))
        from raw.customers as c join said using (source, customer_id)
        where %(channel)s = 'sms'
    ),
    records as (
        select source, customer_id from said
        union
        select source, source_customer_id from pii.int_given_addresses
        where case channel when 'email' then 'email:' else 'phone:' end || md5(address) in (select hash from addresses)
    )
    delete from desired where customer_key in (
        select keys.customer_key from records
        join intermediate.int_customer_keys as keys
            on (keys.source, keys.source_customer_id) = (records.source, records.customer_id)
        union all
        select gone.customer_key from records
        join intermediate.int_gone_records as gone
            on (gone.source, gone.source_customer_id) = (records.source, records.customer_id)
    )
    returning customer_key
"""
HASH = """
    select count(*) as members, coalesce(bit_xor(hashtextextended(customer_key || ':' || fingerprint, 1)), 0) as one,
        coalesce(bit_xor(hashtextextended(customer_key || ':' || fingerprint, 2)), 0) as two
    from desired
"""
ADDRESS = {"email": sql.SQL("p.email"), "sms": sql.SQL("p.phone")}


@dataclass(frozen=True)
class Desired:
    """What the table holds: how many, a hash of all of it, and how many were left out because they bought."""

    members: int
    data_hash: str
    bought_since: int


def decide(
    session: psycopg.Connection, as_of: date, audience: str, destination: str, settings: Settings, config: Config
) -> Desired:
    """Make the table `desired`; GateError if a verdict `export` has no person behind it, or another channel."""
    wanted = {
        "as_of": as_of,
        "audience": audience,
        "destination": destination,
        "channel": settings.channel,
        "purpose": config.audiences.audiences[audience].purpose,
    }
    columns = [sql.SQL("c.{}").format(sql.Identifier(name)) for name in settings.attributes]
    pairs = [
        sql.SQL("{}, {}").format(sql.Literal(name), column)
        for name, column in zip(settings.attributes, columns, strict=True)
    ]
    session.execute("drop table if exists desired")
    made = session.execute(
        sql.SQL(DECIDED).format(
            address=ADDRESS[settings.channel],
            attributes=sql.SQL(", ").join(pairs),
            columns=sql.SQL(", ").join(columns),
        ),
        wanted,
    ).rowcount
    verdicts = session.execute(VERDICTS, wanted).fetchone()["verdicts"]
    if made != verdicts:
        raise GateError(
            f"audience {audience} to {destination}: {verdicts} people are to be exported, {made} have an address and a "
            f"stage for {settings.channel}. Run the task `transform` again."
        )
    bought = session.execute(BOUGHT_SINCE, [cut(as_of, config)]).rowcount
    session.execute("alter table desired add primary key (customer_key)")
    session.execute("analyze desired")
    found = session.execute(HASH).fetchone()
    return Desired(found["members"], f"{found['one'] & (2**64 - 1):016x}{found['two'] & (2**64 - 1):016x}", bought)


def drop_opted_out(session: psycopg.Connection, as_of: date, channel: Channel, purpose: str) -> list[str]:
    """Take out of `desired` who has said by now, to a tool or to a source, not to be written to, and return them.

    After the plan was made and approved: for leaving somebody out nobody needs to be asked.
    """
    asked = {"channel": channel, "purpose": purpose}
    left = list(session.execute(OPTED_OUT_SINCE, asked))
    batches = [row["batch_id"] for row in session.execute(LATER_BATCHES, [as_of])]
    left += session.execute(DENIED_SINCE, asked | {"batches": batches}) if batches else []
    return [row["customer_key"] for row in left]


def cut(as_of: date, config: Config) -> datetime:
    """The moment at which the night's last business day ended."""
    business = config.sources.business
    opens = time(business.day_starts_at_hour)
    return datetime.combine(as_of + timedelta(days=1), opens, ZoneInfo(business.timezone))
