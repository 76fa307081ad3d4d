"""Take out of every tool who said no, whatever became of the audience's plan: only additions and updates wait.

Nothing here adds or updates anybody: not while a plan waits or was rejected, not while the gate is closed. A
destination that takes everybody at once, such as a file, is given those it has, without them.
"""

from collections.abc import Collection
from datetime import date

import psycopg
from psycopg import sql

from perennial.activation import left_behind, members, plan, send, silenced
from perennial.activation.apart import apart
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.connections import Lookup
from perennial.destinations import registry
from perennial.destinations.base import Settings
from perennial.errors import PerennialError
from perennial.progress import say
from perennial.warehouse.database import connect

TOLD = "select destination, audience from pii.destination_members group by destination, audience order by 1, 2"
# what is said of them is not sent but where everybody is told of at once
STAYING = """
    create temporary table desired as
    select known.customer_key, known.address, jsonb_build_object({attributes}) as attributes, known.fingerprint,
        null::date as send_on
    from pii.destination_members as known
    left join marts.customer_360 as c using (customer_key)
    where known.destination = %(destination)s and known.audience = %(audience)s
        and not exists (select from leaving where leaving.customer_key = known.customer_key)
    order by known.customer_key
"""
# an address that somebody else keeps stays where it is
FORGOTTEN = """
    delete from pii.destination_members as known using leaving
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.customer_key = leaving.customer_key and known.address in (select address from desired)
"""
ROWS = """
    insert into activation.export_rows (plan, customer_key, op, status)
    select %(plan)s, customer_key, 'remove', 'planned' from leaving
    where address not in (select address from desired)
    on conflict (plan, customer_key, op) do update set status = 'planned', error = null
"""
WITHDRAWAL = """
    insert into activation.withdrawals as known
        (plan, as_of, audience, destination, channel, removes, status, planned_at)
    values (%(plan)s, %(as_of)s, %(audience)s, %(destination)s, %(channel)s, %(leaving)s, 'ready', %(at)s)
    on conflict (plan) do update set removes = (
        select count(*) from activation.export_rows where plan = %(plan)s
    ), status = 'ready', planned_at = excluded.planned_at
"""
VALID_UNTIL = """
    select coalesce(max(valid_until), %(as_of)s) as day from activation.export_runs
    where audience = %(audience)s and destination = %(destination)s and as_of <= %(as_of)s
        and status in ('sending', 'done', 'failed')
"""
# the plan of the night, should it go on, must not take out once more who is gone; its file may be another one now
GONE = """
    delete from activation.export_rows as rows
    where rows.plan = %(base)s and rows.op = 'remove' and rows.status in ('planned', 'failed') and not exists (
        select from pii.destination_members as known
        where known.destination = %(destination)s and known.audience = %(audience)s
            and known.customer_key = rows.customer_key
    )
"""
RECEIPT = """
    update activation.export_runs as runs set receipt = runs.receipt || told.receipt
    from activation.withdrawals as told
    where runs.plan = %(base)s and told.plan = %(plan)s and runs.receipt ->> 'path' = told.receipt ->> 'path'
"""


def run(
    as_of: date,
    known_on: date,
    config: Config,
    lookup: Lookup,
    errors: list[PerennialError],
    but: Collection[tuple[str, str]] = (),
) -> int:
    """Take them out of every audience and destination that has members, `but` for some; returns how many went.

    `known_on` is the night whose consents stand in activation.consents. What goes wrong is added to `errors`.
    """
    with connect() as session:
        told = [(row["audience"], row["destination"]) for row in session.execute(TOLD)]
    total, unreachable = 0, {}
    for audience, destination in told:
        if (audience, destination) in but:
            continue
        with apart(errors, f"withdrawals: {audience} of {destination}"):
            settings = config.destinations.destinations.get(destination)
            if settings is None:
                unreachable[f"{audience} of {destination}"] = _unreachable(known_on, audience, destination)
            elif not plan.is_message(settings):
                total += _one(as_of, known_on, audience, destination, settings, config, lookup)
    left_behind.tell_unreachable(as_of, unreachable)
    return total


def _unreachable(known_on: date, audience: str, destination: str) -> int:
    """How many should be taken out where no settings tell how; the channel does not matter."""
    with connect() as session:
        return max(silenced.find(session, known_on, destination, audience, way, None) for way in ("email", "sms"))


def _one(
    as_of: date, known_on: date, audience: str, destination: str, settings: Settings, config: Config, lookup: Lookup
) -> int:
    configured = config.audiences.audiences.get(audience)
    purpose = configured.purpose if configured else None
    base = f"{as_of}.{audience}.{destination}"
    asked = {"base": base, "plan": f"{base}.withdrawn", "as_of": as_of, "audience": audience}
    asked |= {"destination": destination, "channel": settings.channel}
    with connect() as session:
        leaving = silenced.find(session, known_on, destination, audience, settings.channel, purpose)
        if not leaving:
            return 0
        made = _planned(session, asked | {"leaving": leaving}, purpose, settings)
        session.commit()  # the table `desired` stays with the session
        target = registry.make(settings, registry.connected(destination, settings, lookup))
        try:
            send.deliver(session, made, target)
        finally:  # also where only some went
            with connect() as notes:
                for statement in (GONE, RECEIPT):
                    notes.execute(statement, asked)
    say(f"withdrawals: {leaving:,} who said no were taken out of {audience} of {destination}")
    return leaving


def _planned(session: psycopg.Connection, asked: dict, purpose: str | None, settings: Settings) -> plan.Plan:
    """Write the rows; the session's table `desired` holds who stays."""
    session.execute("drop table if exists desired")
    staying = sql.SQL(STAYING).format(attributes=members.attributes(settings))
    count = session.execute(staying, asked).rowcount
    session.execute("alter table desired add primary key (customer_key)")
    session.execute("analyze desired")
    for statement in (FORGOTTEN, ROWS):
        session.execute(statement, asked)
    session.execute(WITHDRAWAL, asked | {"at": wall_clock()})
    until = session.execute(VALID_UNTIL, asked).fetchone()["day"]
    return plan.Plan(
        asked["plan"],
        asked["as_of"],
        until,
        asked["audience"],
        asked["destination"],
        purpose or "",
        settings,
        "ready",
        count,
        "",
        "withdrawals",
    )
