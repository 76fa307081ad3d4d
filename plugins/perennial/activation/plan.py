"""Tonight's plans: per audience and destination, what the destination does not know yet, and whether it may be told."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg

from perennial.activation import members
from perennial.activation.guards import Counts, tripped
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.destinations import registry
from perennial.destinations.base import Settings
from perennial.errors import GateError

# somebody whose address changed is taken out under the old one and added under the new one; a message she has had.
# An address that somebody else is to keep, or to get, is not taken out
CHANGES = """
    with known as (
        select * from pii.destination_members where destination = %(destination)s and audience = %(audience)s
    )
    select customer_key, unnest(case
        when known.customer_key is null then array['add']
        when known.address in (select address from still_there) and (
            desired.customer_key is null or desired.address <> known.address and not %(messages)s
        ) then case when desired.customer_key is not null then array['add'] end
        when desired.customer_key is null then array['remove']
        when desired.address <> known.address and not %(messages)s then array['remove', 'add']
        when desired.fingerprint <> known.fingerprint then array['update']
    end) as op
    from desired full join known using (customer_key)
"""
BEFORE = """
    select count(*) as before from pii.destination_members
    where destination = %(destination)s and audience = %(audience)s
"""
COUNT = f"""
    select ({BEFORE}) as before,
        count(*) filter (where op = 'add') as adds, count(*) filter (where op = 'update') as updates,
        count(*) filter (where op = 'remove') as removes
    from ({CHANGES}) as changes
"""
ROWS = f"""
    insert into activation.export_rows (plan, customer_key, op, status)
    select %(plan)s, customer_key, op, 'planned' from ({CHANGES}) as changes
    order by customer_key
"""
# what was handed over must not be handed over again, and what was rejected waits for `perennial replay`
UNLESS_KNOWN = """
    on conflict (plan, customer_key, op) do update set status = 'planned', error = null
    where export_rows.status not in ('handed_over', 'rejected')
"""
BEGUN = "select from activation.export_rows where plan = %(plan)s limit 1"
MANY = 10_000  # rows of which the planner has to know, or it looks up one by one
NOT_BEGUN = "delete from activation.export_rows where plan = %(plan)s and status in ('planned', 'failed')"
# what was begun and rejected is no change any more where the person, or what is to be done with her, is another now
OUTDATED = f"""
    delete from activation.export_rows as rows
    where rows.plan = %(plan)s and (rows.status in ('planned', 'failed') or (rows.status = 'rejected' and not exists (
        select from ({CHANGES}) as changes where changes.customer_key = rows.customer_key and changes.op = rows.op
    )))
"""
# nobody is told of who is no longer to be told: she opted out since, or was rejected, and what was mended left her out
LEFT = """
    update activation.export_rows as rows set status = 'rejected', error = 'left the audience since it was planned'
    where rows.plan = %(plan)s and rows.status in ('planned', 'failed') and rows.op <> 'remove'
        and (rows.attempts > 0 or rows.customer_key = any(%(opted_out)s))
        and not exists (select from desired where desired.customer_key = rows.customer_key)
"""
# who merged since is still the one who was told, and not somebody new
MERGED = """
    update pii.destination_members as known set customer_key = merged.customer_key
    from (
        select distinct on (former.customer_key) former.customer_key, former.former_key
        from intermediate.int_former_keys as former
        join pii.destination_members as told on told.customer_key = former.former_key
        where told.destination = %(destination)s and told.audience = %(audience)s and not exists (
            select from pii.destination_members as herself
            where herself.destination = %(destination)s and herself.audience = %(audience)s
                and herself.customer_key = former.customer_key
        )
        order by former.customer_key, told.since desc, former.former_key
    ) as merged
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.customer_key = merged.former_key
"""
# addresses that somebody leaves and somebody else is to have
STILL_THERE = """
    create temporary table still_there on commit drop as
    select distinct desired.address from desired
    join pii.destination_members as known on known.address = desired.address
    left join desired as herself on herself.customer_key = known.customer_key
    where known.destination = %(destination)s and known.audience = %(audience)s
        and herself.address is distinct from known.address
"""
# who left is forgotten once the other is known there; until then she stands for the address, should the other leave too
SHARED = """
    delete from pii.destination_members as known
    using pii.destination_members as other
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.address in (select address from still_there)
        and not exists (select from desired where desired.customer_key = known.customer_key)
        and other.destination = known.destination and other.audience = known.audience
        and other.address = known.address and other.customer_key <> known.customer_key
        and exists (
            select from desired where desired.customer_key = other.customer_key and desired.address = other.address
        )
"""
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
    asked["messages"] = registry.kinds()[settings.kind].Destination.at_most_once
    if stopped := session.execute(STOPPED, [as_of, audience]).fetchone():
        _stop(session, asked)
        raise GateError(f"audience {audience} is stopped: {stopped['problem']}; see activation.audience_problems")
    # who decides on the plan meanwhile, on the data it had, waits and is told that it is another
    earlier = session.execute(EARLIER, asked).fetchone()
    desired = members.decide(session, as_of, audience, destination, settings, config)
    for statement in (MERGED, "drop table if exists still_there", STILL_THERE, SHARED):
        session.execute(statement, asked)
    counts = Counts(members=desired.members, **session.execute(COUNT, asked).fetchone())
    if earlier and earlier["data_hash"] == desired.data_hash and earlier["status"] != "waiting":
        status = earlier["status"]
    else:
        found = tripped(counts, settings.guards)
        approved = earlier and earlier["approved_hash"] == desired.data_hash
        found += ["rejected_before"] if _refused(earlier) else []
        status = "waiting" if found and not approved else "ready"
        _write(session, asked, counts, status, desired.bought_since, found, desired.data_hash)
        session.execute(OUTDATED, asked)
        # without a look at every row whether it is there, a million take half the time
        session.execute(ROWS + UNLESS_KNOWN if session.execute(BEGUN, asked).rowcount else ROWS, asked)
        if counts.adds + counts.updates + counts.removes > MANY:
            session.execute("analyze activation.export_rows")
    purpose = config.audiences.audiences[audience].purpose
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
    before = session.execute(BEFORE, asked).fetchone()["before"]
    found = ["unevaluable"]
    found += ["rejected_before"] if _refused(session.execute(EARLIER, asked).fetchone()) else []
    _write(session, asked, Counts(before, before, 0, 0, 0), "unevaluable", 0, found, "")
    session.execute(
        "delete from activation.export_rows where plan = %(plan)s and status in ('planned', 'failed')", asked
    )
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
    """Leave out who has said not to be written to since the plan was made; returns how many these are."""
    opted_out = members.drop_opted_out(session, made.as_of, made.settings.channel, made.purpose)
    session.execute(LEFT, {"plan": made.name, "opted_out": opted_out})
    return len(opted_out)
