"""Bring back who opted out in a campaign tool, before anybody is decided on. Statements are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import psycopg

from perennial.config import Config
from perennial.connections import Lookup
from perennial.destinations import registry
from perennial.destinations.base import OptOut, Settings
from perennial.errors import PerennialError
from perennial.progress import say
from perennial.warehouse.database import connect

# tools tell the time of a wish, not of its arrival with us: ask again for what may have come late
SINCE = "select max(at) - interval '7 days' as at from pii.opt_outs where destination = %s"
# of somebody erased a hash says the same; addresses compare as the macro comparable_address has them. A night
# that is run again long afterwards does not hear of it in the past
NEW = """
    insert into pii.opt_outs (destination, address, channel, reason, at, arrived_on)
    select %(destination)s, %(address)s, %(channel)s, %(reason)s, %(at)s,
        greatest(%(as_of)s, (select max(as_of) from ops.nights))
    where not exists (
        select from pii.erased_addresses
        where channel = %(channel)s and address_hash = pii.erasure_hash(%(channel)s, case %(channel)s
            when 'email' then lower(btrim(%(address)s))
            else '+' || ltrim(regexp_replace(%(address)s, '[^0-9]', '', 'g'), '0')
        end)
    )
    on conflict do nothing
"""


@dataclass(frozen=True)
class Pulled:
    """How many statements are new; which tools told nothing and why; and to which destinations nobody may be added.

    These are the silent ones, and all of a channel of which a silent one may know opt-outs, unless its settings say
    that the others do not wait for it.
    """

    new: int
    failed: Mapping[str, PerennialError]
    silent: Mapping[str, PerennialError]


def pull(as_of: date, config: Config, lookup: Lookup) -> Pulled:
    """Ask every destination, also after one failed. What is new arrived on this night, or a later one if opened."""
    total, failed = 0, {}
    for name, settings in config.destinations.destinations.items():
        try:
            new = _pull_one(as_of, name, settings, lookup)
        except PerennialError as error:
            say(f"opt-outs: {name} failed: {error}")
            failed[name] = error
            continue
        if new:
            say(f"opt-outs: {new:,} new from {name}")
        total += new
    return Pulled(total, failed, _silent(config.destinations.destinations, failed))


def _silent(destinations: Mapping[str, Settings], failed: Mapping[str, PerennialError]) -> dict[str, PerennialError]:
    found = dict(failed)
    for name, error in failed.items():
        if destinations[name].others_wait:
            alike = [other for other, one in destinations.items() if one.channel in destinations[name].tells_of]
            found = dict.fromkeys(alike, error) | found
    return found


def _pull_one(as_of: date, name: str, settings: Settings, lookup: Lookup) -> int:
    destination = registry.make(settings, registry.connected(name, settings, lookup))
    with connect() as session:
        since = session.execute(SINCE, [name]).fetchone()["at"]
        return sum(_keep(session, as_of, name, found) for found in destination.opt_outs(since))


def _keep(session: psycopg.Connection, as_of: date, destination: str, found: OptOut) -> int:
    told = {"address": found.address, "channel": found.channel, "reason": found.reason, "at": found.at}
    return session.execute(NEW, told | {"destination": destination, "as_of": as_of}).rowcount
