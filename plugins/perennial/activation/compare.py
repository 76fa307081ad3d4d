"""Hold the lists of tools against what they acknowledged: who is in one unknown to us, and who is missing there.

Once a week by default, after the night's export, and only lists up to a size: reading one back costs the tool's calls.
A difference is a warning of every night until a later comparison finds none. Nothing is mended by itself: whom a
marketer put into a list, or took out of it, is her affair.
"""

import re
from collections.abc import Iterator
from datetime import date

import psycopg

from perennial import gate_checks
from perennial.activation.plan import is_message
from perennial.activation.withdraw import TOLD
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.connections import Lookup
from perennial.destinations import registry
from perennial.destinations.base import Channel, Settings
from perennial.errors import PerennialError, RetriableError
from perennial.progress import say
from perennial.sources.sweep import DAYS
from perennial.warehouse.database import connect

DONE = """
    select from ops.list_comparisons
    where as_of = %s and audience = %s and destination = %s and error is null
"""
OURS = "select count(*) as members from pii.destination_members where audience = %s and destination = %s"
THEIRS = "create temporary table theirs (address text) on commit drop"
COUNTED = """
    with
    known as (
        select distinct address, is_sure from pii.destination_members
        where audience = %(audience)s and destination = %(destination)s
    ),
    ours as (select address from known where is_sure),
    theirs as (
        select distinct address from pg_temp.theirs
        where address not in (select address from known where not is_sure) or address in (select address from ours)
    )
    select count(ours.address) as ours, count(theirs.address) as theirs,
        count(*) filter (where ours.address is null) as unknown,
        count(*) filter (where theirs.address is null) as missing
    from ours full join theirs using (address)
"""
NOTED = """
    insert into ops.list_comparisons
        (as_of, audience, destination, compared_at, count_ours, count_theirs, count_unknown, count_missing, error)
    values (%(as_of)s, %(audience)s, %(destination)s, %(at)s, %(ours)s, %(theirs)s, %(unknown)s, %(missing)s, %(error)s)
    on conflict (as_of, audience, destination) do update set compared_at = excluded.compared_at,
        count_ours = excluded.count_ours, count_theirs = excluded.count_theirs,
        count_unknown = excluded.count_unknown, count_missing = excluded.count_missing, error = excluded.error
"""
DIFFER = """
    select string_agg(case when error is null
        then format('%%s of %%s: %%s in it unknown to us, %%s of ours missing', audience, destination, count_unknown,
            count_missing)
        else format('%%s of %%s: %%s', audience, destination, error)
    end || format(' (%%s)', as_of), '; ' order by audience, destination) as told
    from (
        select distinct on (audience, destination) * from ops.list_comparisons
        where as_of <= %s order by audience, destination, as_of desc
    ) as newest
    where error is not null or count_unknown > 0 or count_missing > 0
"""
CHECK = "lists of tools"


def run(as_of: date, config: Config, lookup: Lookup) -> None:
    """Compare what is due tonight, each list once a night; differences and what could not be compared are warnings."""
    with connect() as session:
        told = [(row["audience"], row["destination"]) for row in session.execute(TOLD)]
    for audience, destination in told:
        settings = config.destinations.destinations.get(destination)
        if settings is not None and not is_message(settings) and is_due(settings, as_of):
            _one(as_of, audience, destination, settings, lookup)
    with connect() as session:
        differ = session.execute(DIFFER, [as_of]).fetchone()["told"]
        if differ:
            gate_checks.note(session, as_of, CHECK, False, f"not as acknowledged: {differ}. See ops.list_comparisons.")
        else:
            session.execute("delete from ops.gate_results where as_of = %s and check_name = %s", [as_of, CHECK])


def is_due(settings: Settings, as_of: date) -> bool:
    """Whether a destination's lists are compared on that night."""
    return settings.compare in ("every_night", DAYS[as_of.weekday()])


def _one(as_of: date, audience: str, destination: str, settings: Settings, lookup: Lookup) -> None:
    asked = {"as_of": as_of, "audience": audience, "destination": destination, "at": wall_clock(), "error": None}
    nothing = {"ours": None, "theirs": None, "unknown": None, "missing": None}
    with connect() as session:
        if session.execute(DONE, [as_of, audience, destination]).rowcount:
            return
        try:
            found = _counted(session, asked, settings, lookup)
        except PerennialError as error:
            session.rollback()
            found = nothing | {"error": f"could not be read back: {error}"}
        if found:
            session.execute(NOTED, asked | found)
            told = "; ".join(f"{name} {value:,}" for name, value in found.items() if isinstance(value, int))
            say(f"compared: {audience} of {destination}: {found.get('error') or told}")


def _counted(session: psycopg.Connection, asked: dict, settings: Settings, lookup: Lookup) -> dict | None:
    """How many are where; None if the destination cannot tell who is in its lists."""
    members = session.execute(OURS, [asked["audience"], asked["destination"]]).fetchone()["members"]
    if members > settings.compare_up_to:
        return {"ours": members, "theirs": None, "unknown": None, "missing": None}
    tool = registry.make(settings, registry.connected(asked["destination"], settings, lookup))
    there = tool.readback(asked["audience"])
    if there is None:
        return None
    session.execute(THEIRS)
    with session.cursor() as cursor, cursor.copy("copy pg_temp.theirs from stdin") as copy:
        for address in _up_to(there, 2 * settings.compare_up_to):
            copy.write_row([comparable(settings.channel, address)])
    return session.execute(COUNTED, asked).fetchone()


def _up_to(addresses: Iterator[str], most: int) -> Iterator[str]:
    for number, address in enumerate(addresses):
        if number == most:
            raise RetriableError(f"there are more than {most:,} people in it, twice what `compare_up_to` says")
        yield address


def comparable(channel: Channel, address: str) -> str:
    """As our tables have it; tools write addresses in their own ways."""
    if channel == "email":
        return address.strip().lower()
    return "+" + re.sub(r"[^0-9]", "", address).lstrip("0")
