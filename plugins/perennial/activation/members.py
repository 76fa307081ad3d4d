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
from perennial.destinations.base import Settings
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
    columns = _columns(settings)
    session.execute("drop table if exists desired")
    made = session.execute(
        sql.SQL(DECIDED).format(
            address=ADDRESS[settings.channel],
            attributes=attributes(settings),
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


def attributes(settings: Settings) -> sql.Composed:
    """The arguments of jsonb_build_object for what is said of a row `c` of marts.customer_360."""
    pairs = zip(settings.attributes, _columns(settings), strict=True)
    return sql.SQL(", ").join(sql.SQL("{}, {}").format(sql.Literal(name), column) for name, column in pairs)


def _columns(settings: Settings) -> list[sql.Composed]:
    return [sql.SQL("c.{}").format(sql.Identifier(name)) for name in settings.attributes]


def cut(as_of: date, config: Config) -> datetime:
    """The moment at which the night's last business day ended."""
    business = config.sources.business
    opens = time(business.day_starts_at_hour)
    return datetime.combine(as_of + timedelta(days=1), opens, ZoneInfo(business.timezone))
