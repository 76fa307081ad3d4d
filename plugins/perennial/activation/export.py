"""The export of a night: plan every audience for every destination, send what may be sent, say what waits."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from perennial.activation import compare, left_behind, plan, send, withdraw
from perennial.activation.apart import apart
from perennial.activation.approval import HELD
from perennial.config import Config
from perennial.connections import Lookup, configured
from perennial.destinations import registry
from perennial.errors import PerennialError, raise_all
from perennial.progress import say
from perennial.warehouse.database import connect


def run(
    as_of: date,
    config: Config,
    lookup: Lookup = configured,
    silent: Mapping[str, PerennialError] = MappingProxyType({}),
) -> int:
    """Plan and send everything that needs no approval, or has it; returns the members of what was sent.

    Who said no is taken out also where nothing else is sent: the plan waits or was rejected, its audience is stopped
    or not configured any more, or the destination is one of the `silent`, whose error is why not everybody is known
    who opted out on its channel. A destination that fails leaves the others alone. Afterwards FatalError if a person
    has to mend something, RetriableError if trying again may help: then only what is missing is sent.
    """
    total, errors, sent = 0, [], set()
    for audience, destination in plan.targets(config):
        with apart(errors, f"export: {audience} to {destination}"):
            if destination in silent:
                raise silent[destination]
            total += _one(as_of, audience, destination, config, lookup, sent)
    withdraw.run(as_of, as_of, config, lookup, errors, sent)
    left_behind.note(as_of, config)
    compare.run(as_of, config, lookup)
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


def _one(
    as_of: date, audience: str, destination: str, config: Config, lookup: Lookup, sent: set[tuple[str, str]]
) -> int:
    """Members of what was sent; `sent` learns of it before the destination is told anything."""
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
        sent.add((audience, destination))
        send.deliver(session, made, target)
        plan.forget_who_left(session, made)
    say(f"export: {made.members - opted_out:,} people of {audience} to {destination}")
    return made.members - opted_out
