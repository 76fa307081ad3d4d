"""Who is still in a tool's list though she was to be taken out of it.

Every night plans her removal anew; until it is done, whoever reads the night is told, and she counts as written to: the
tool may do so. Nobody else is the wiser for a removal that failed in silence.
"""

from collections.abc import Mapping
from datetime import date

import psycopg

from perennial import gate_checks
from perennial.activation.plan import is_message
from perennial.config import Config
from perennial.progress import say
from perennial.warehouse.database import connect

STILL_THERE = """
    create temporary table still_listed on commit drop as
    select distinct on (known.destination, known.audience, known.customer_key) known.destination, known.audience,
        known.customer_key, plans.channel, plans.is_told
    from (
        select plan, audience, destination, channel, status not in ('waiting', 'rejected') as is_told
        from activation.export_runs
        where as_of = %(as_of)s and status <> 'unevaluable'
        union all
        select plan, audience, destination, channel, true from activation.withdrawals where as_of = %(as_of)s
    ) as plans
    join activation.export_rows as rows on rows.plan = plans.plan and rows.op = 'remove' and rows.status <> 'done'
    join pii.destination_members as known
        on known.destination = plans.destination and known.audience = plans.audience
            and known.customer_key = rows.customer_key
    where known.destination = any(%(lists)s)
    order by known.destination, known.audience, known.customer_key, plans.is_told desc
"""
FORGET = "delete from activation.contact_ledger where as_of = %(as_of)s and is_still_there"
COUNTED = """
    insert into activation.contact_ledger
        (as_of, audience, destination, channel, customer_key, contacted_on, is_still_there)
    select %(as_of)s, audience, destination, channel, customer_key, %(as_of)s::date + 1, true from still_listed
    on conflict do nothing
"""
TOLD = """
    select string_agg(format('%s of %s (%s)', audience, destination, people), ', ' order by audience, destination)
        as told
    from (
        select audience, destination, count(*) as people from still_listed where is_told group by audience, destination
    ) as counted
"""
FAILED = "removals that failed"
UNREACHABLE = "withdrawals nobody can be told"


def note(as_of: date, config: Config) -> None:
    """Write down whose removal of the night is not done: what failed as a warning, everybody as written to."""
    lists = [name for name, one in config.destinations.destinations.items() if not is_message(one)]
    asked = {"as_of": as_of, "lists": lists}
    with connect() as session:
        session.execute(STILL_THERE, asked)
        for statement in (FORGET, COUNTED):
            session.execute(statement, asked)
        told = session.execute(TOLD).fetchone()["told"]
        said = f"still in a tool's list although to be taken out: {told}. Tried again with the next run and night."
        _warn(session, as_of, FAILED, said if told else None)


def tell_unreachable(as_of: date, people: Mapping[str, int]) -> None:
    """Warn of people who said no and are in a list of a destination that config/ no longer has."""
    left = ", ".join(f"{where} ({count:,})" for where, count in people.items() if count)
    said = (
        f"said no, and are still in lists of destinations that config/destinations.yml no longer has: {left}. "
        "Take them out there, or put the destination back until it has been told."
    )
    with connect() as session:
        _warn(session, as_of, UNREACHABLE, said if left else None)


def _warn(session: psycopg.Connection, as_of: date, check: str, message: str | None) -> None:
    if message:
        say(f"warning: {message}")
        gate_checks.note(session, as_of, check, False, message)
        return
    session.execute("delete from ops.gate_results where as_of = %s and check_name = %s", [as_of, check])
