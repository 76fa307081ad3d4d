"""The export of a night: plan every audience for every destination, send what may be sent, say what waits."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import psycopg

from perennial.activation import plan, send
from perennial.activation.approval import HELD
from perennial.config import Config
from perennial.connections import Lookup, configured
from perennial.destinations import registry
from perennial.errors import PerennialError, RetriableError, raise_all
from perennial.progress import say
from perennial.warehouse.database import connect


def run(
    as_of: date,
    config: Config,
    lookup: Lookup = configured,
    silent: Mapping[str, PerennialError] = MappingProxyType({}),
) -> int:
    """Plan and send everything that needs no approval, or has it; returns the members of what was sent.

    A destination that fails leaves the others alone, and so does one of the `silent`, to which nothing is sent: the
    error is why it did not tell who opted out. Afterwards FatalError if a person has to mend something,
    RetriableError if trying again may help: then only what is missing is sent.
    """
    total, errors = 0, []
    for audience, destination in plan.targets(config):
        try:
            if destination in silent:
                raise silent[destination]
            total += _one(as_of, audience, destination, config, lookup)
        except PerennialError as error:
            say(f"export: {audience} to {destination} failed: {error}")
            errors.append(error)
        except psycopg.Error as error:  # whose text may quote a row; other audiences are none the worse for it
            said = f"{audience} to {destination}: the warehouse answered {error.sqlstate or type(error).__name__}"
            say(f"export: {said}")
            errors.append(RetriableError(said))
    raise_all(errors)
    return total


def plans(as_of: date, config: Config) -> dict[str, str]:
    """Plan everything, send nothing; the plans that wait for approval, with a hash of their data."""
    waiting = {}
    for audience, destination in plan.targets(config):
        try:
            with connect() as session:
                made = plan.make(session, as_of, audience, destination, config)
        except PerennialError as error:  # the export says so again, and fails; others are planned
            say(f"plan: {audience} to {destination} failed: {error}")
            continue
        if made.status == "waiting":
            waiting[made.name] = made.data_hash
    return waiting


def _one(as_of: date, audience: str, destination: str, config: Config, lookup: Lookup) -> int:
    with connect() as session:
        made = plan.make(session, as_of, audience, destination, config)
        opted_out = plan.drop_opted_out(session, made) if made.status not in HELD else 0
        session.commit()  # what was planned is written; the table `desired` stays with the session
        if made.status in HELD:
            what = "waits for approval" if made.status == "waiting" else "was rejected"
            say(f"export: {made.name} {what}; see `perennial plan`")
            return 0
        if opted_out:
            say(f"export: {made.name} leaves out {opted_out:,} who opted out since it was decided")
        target = registry.make(made.settings, registry.connected(destination, made.settings, lookup))
        send.deliver(session, made, target)
    with connect() as session:
        count = "select count(*) as n from activation.export_rows where plan = %s and status = 'failed'"
        failed = session.execute(count, [made.name]).fetchone()["n"]
    if failed:
        raise RetriableError(f"{made.name}: {failed:,} rows failed and are sent again with the next run")
    say(f"export: {made.members - opted_out:,} people of {audience} to {destination}")
    return made.members - opted_out
