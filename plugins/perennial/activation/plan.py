"""Tonight's plans: per audience and destination, what the destination does not know yet, and whether it may be told."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg

from perennial.activation import changes, members, silenced
from perennial.activation.guards import Counts, tripped
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.destinations import registry
from perennial.destinations.base import Settings
from perennial.errors import GateError

RUN = """
    insert into activation.export_runs as runs (plan, as_of, audience, destination, channel, valid_until, status,
        members_before, members, adds, updates, removes, bought_since, tripped, data_hash, planned_at)
    values (%(plan)s, %(as_of)s, %(audience)s, %(destination)s, %(channel)s, %(valid_until)s, %(status)s,
        %(before)s, %(members)s, %(adds)s, %(updates)s, %(removes)s, %(bought_since)s, %(tripped)s, %(data_hash)s,
        %(planned_at)s)
    on conflict (plan) do update set valid_until = excluded.valid_until, status = excluded.status,
        members_before = excluded.members_before, members = excluded.members, adds = excluded.adds,
        updates = excluded.updates, removes = excluded.removes, bought_since = excluded.bought_since,
        tripped = excluded.tripped, data_hash = excluded.data_hash, planned_at = excluded.planned_at,
        rejected_by = null, rejected_at = null
"""

EARLIER = "select * from activation.export_runs where plan = %(plan)s for update"
STOPPED = """
    select problem || coalesce(' (' || example || ')', '') as problem
    from activation.audience_problems where as_of = %s and audience = %s order by problem limit 1
"""


@dataclass(frozen=True)
class Plan:
    """One audience on its way to one destination; its members stand in the session's table `desired`."""

    name: str
    as_of: date
    valid_until: date
    audience: str
    destination: str
    purpose: str
    settings: Settings
    status: str
    members: int
    data_hash: str
    book: str = "export_runs"  # the table of schema activation that tells what became of it


def targets(config: Config) -> list[tuple[str, str]]:
    """Every audience with each of its destinations, in the order of the file."""
    return [
        (name, destination)
        for name, audience in config.audiences.audiences.items()
        for destination in audience.destinations
    ]


def make(session: psycopg.Connection, as_of: date, audience: str, destination: str, config: Config) -> Plan:
    """Write the plan and its rows. One that was begun with the same data goes on as it was.

    GateError for an audience that could not be decided: nobody is told anything, least of all that everybody left.
    """
    settings = config.destinations.destinations[destination]
    name = f"{as_of}.{audience}.{destination}"
    valid_until = as_of + timedelta(days=config.audiences.audiences[audience].valid_days)
    asked = {"plan": name, "audience": audience, "destination": destination, "as_of": as_of}
    asked |= {"channel": settings.channel, "valid_until": valid_until}
    asked["messages"] = is_message(settings)
    purpose = config.audiences.audiences[audience].purpose
    if stopped := session.execute(STOPPED, [as_of, audience]).fetchone():
        _stop(session, asked)
        raise GateError(f"audience {audience} is stopped: {stopped['problem']}; see activation.audience_problems")
    # who decides on the plan meanwhile, on the data it had, waits and is told that it is another
    earlier = session.execute(EARLIER, asked).fetchone()
    desired = members.decide(session, as_of, audience, destination, settings, config)
    for statement in (changes.MERGED, "drop table if exists still_there", changes.STILL_THERE, changes.SHARED):
        session.execute(statement, asked)
    silenced.find(session, as_of, destination, audience, settings.channel, purpose)
    counts = Counts(members=desired.members, **session.execute(changes.COUNT, asked).fetchone())
    if earlier and earlier["data_hash"] == desired.data_hash and earlier["status"] != "waiting":
        status = earlier["status"]
    else:
        found = tripped(counts, settings.guards)
        approved = earlier and earlier["approved_hash"] == desired.data_hash
        found += ["rejected_before"] if _refused(earlier) else []
        status = "waiting" if found and not approved else "ready"
        _write(session, asked, counts, status, desired.bought_since, found, desired.data_hash)
        session.execute(changes.OUTDATED, asked)
        # without a look at every row whether it is there, a million take half the time
        begun = session.execute(changes.BEGUN, asked).rowcount
        session.execute(changes.ROWS + (changes.UNLESS_KNOWN if begun else ""), asked)
        if counts.adds + counts.updates + counts.removes > changes.MANY:
            session.execute("analyze activation.export_rows")
    return Plan(
        name, as_of, valid_until, audience, destination, purpose, settings, status, desired.members, desired.data_hash
    )


def _refused(earlier: dict[str, Any] | None) -> bool:
    """Whether somebody said no and nobody yes since: what it became has to be asked for, though no guard would."""
    if earlier is None:
        return False
    return earlier["status"] == "rejected" or (
        earlier["status"] in ("waiting", "unevaluable") and "rejected_before" in earlier["tripped"]
    )


def _stop(session: psycopg.Connection, asked: dict[str, Any]) -> None:
    """Note that the members stay as they are; written whatever happens next."""
    before = session.execute(changes.BEFORE, asked).fetchone()["before"]
    found = ["unevaluable"]
    found += ["rejected_before"] if _refused(session.execute(EARLIER, asked).fetchone()) else []
    _write(session, asked, Counts(before, before, 0, 0, 0), "unevaluable", 0, found, "")
    session.execute(changes.NOT_BEGUN, asked)
    session.commit()


def _write(
    session: psycopg.Connection,
    asked: dict[str, Any],
    counts: Counts,
    status: str,
    bought_since: int,
    tripped: list[str],
    data_hash: str,
) -> None:
    about = {"status": status, "bought_since": bought_since, "tripped": tripped, "data_hash": data_hash}
    session.execute(RUN, asked | vars(counts) | about | {"planned_at": wall_clock()})


def drop_opted_out(session: psycopg.Connection, made: Plan) -> int:
    """Leave out who has said not to be written to since the plan was made; returns how many these are.

    Who of them is a member already is taken out. In the transaction of `make`.
    """
    opted_out = silenced.drop(session, made.settings.channel, made.purpose)
    session.execute(changes.LEFT, {"plan": made.name, "opted_out": opted_out})
    asked = {"plan": made.name, "destination": made.destination, "audience": made.audience}
    asked["messages"] = is_message(made.settings)
    for statement in (changes.NOBODYS, changes.LEAVING):
        session.execute(statement, asked)
    return len(opted_out)


def forget_who_left(session: psycopg.Connection, made: Plan) -> None:
    """Whoever left an address to somebody who is known there by now; otherwise the next run would do it."""
    session.execute(changes.SHARED, {"destination": made.destination, "audience": made.audience})


def is_message(settings: Settings) -> bool:
    """Whether the destination sends messages: these are not taken back, and nobody is left in a list."""
    return registry.kinds()[settings.kind].Destination.at_most_once
