"""Export the audiences of a night: everybody with verdict `export`, to every destination of the audience."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg

from perennial.config import Config
from perennial.destinations.registry import DESTINATIONS
from perennial.progress import say
from perennial.warehouse.database import connect

MEMBERS = """
    select m.customer_key, p.email, p.phone, l.stage, a.abc_tier
    from activation.audience_members as m
    join pii.customer_contacts as p using (customer_key)
    join marts.customer_abc as a using (customer_key)
    join marts.customer_lifecycle as l on l.customer_key = m.customer_key and l.lifecycle_model = %(model)s
    where m.as_of = %(as_of)s and m.audience = %(audience)s and m.destination = %(destination)s
        and m.verdict = 'export'
    order by m.customer_key
"""


def run(as_of: date, config: Config) -> int:
    """Deliver all audiences and record them in activation.export_runs; returns the people exported."""
    total = 0
    with connect() as session:
        for audience, settings in config.audiences.audiences.items():
            for name in settings.destinations:
                destination = config.destinations.destinations[name]
                members = _members(session, as_of, audience, name, config.lifecycle.default)
                path, rows, digest = DESTINATIONS[destination.kind].deliver(destination, audience, as_of, members)
                _record(session, [as_of, name, audience, destination.channel, rows, digest, str(path)])
                say(f"export: {rows:,} people of {audience} to {name}")
                total += rows
    return total


def _members(
    session: psycopg.Connection, as_of: date, audience: str, destination: str, model: str
) -> Iterator[dict[str, Any]]:
    parameters = {"as_of": as_of, "audience": audience, "destination": destination, "model": model}
    yield from session.execute(MEMBERS, parameters)


def _record(session: psycopg.Connection, row: list[Any]) -> None:
    session.execute(
        "insert into activation.export_runs (as_of, destination, audience, channel, rows, sha256, path) "
        "values (%s, %s, %s, %s, %s, %s, %s) on conflict (as_of, destination, audience) do update "
        "set rows = excluded.rows, sha256 = excluded.sha256, path = excluded.path",
        row,
    )
