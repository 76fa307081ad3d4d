"""Export the audiences of a night: everybody with verdict `export`, to every destination of the audience."""

from datetime import date
from typing import Any

import psycopg

from perennial.config import Config
from perennial.destinations import registry
from perennial.destinations.base import Change, Delivery
from perennial.errors import GateError
from perennial.progress import say
from perennial.warehouse.database import connect

MEMBERS = """
    select m.customer_key, p.email, p.phone, l.stage, a.abc_tier
    from activation.audience_members as m
    join pii.customer_contacts as p using (customer_key)
    join marts.customer_abc as a using (customer_key)
    join marts.customer_lifecycle as l on l.customer_key = m.customer_key and l.lifecycle_model = %(model)s
    where m.as_of = %(as_of)s and m.audience = %(audience)s and m.destination = %(destination)s
        and m.channel = %(channel)s and m.purpose = %(purpose)s and m.verdict = 'export'
    order by m.customer_key
"""

VERDICTS = """
    select count(*) as verdicts from activation.audience_members
    where audience = %(audience)s and destination = %(destination)s and verdict = 'export'
"""


def run(as_of: date, config: Config) -> int:
    """Deliver all audiences and record them in activation.export_runs; returns the people exported."""
    total = 0
    with connect() as session:
        for audience, settings in config.audiences.audiences.items():
            for name in settings.destinations:
                destination = config.destinations.destinations[name]
                wanted = {
                    "as_of": as_of,
                    "audience": audience,
                    "destination": name,
                    "channel": destination.channel,
                    "purpose": settings.purpose,
                    "model": config.lifecycle.default,
                }
                members = [_member(row, destination.channel) for row in _members(session, wanted)]
                delivery = Delivery(
                    plan=f"{as_of}.{audience}.{name}",
                    as_of=as_of,
                    valid_until=as_of + VALID,
                    audience=audience,
                    changes=[Change("add", member) for member in members],
                    members=partial(iter, members),
                    attributes=ATTRIBUTES,
                )
                sent = sum(o.status == "done" for o in registry.make(destination, None).deliver(delivery))
                _record(session, [as_of, name, audience, destination.channel, sent])
                say(f"export: {sent:,} people of {audience} to {name}")
                total += sent
    return total


def _members(session: psycopg.Connection, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Whom to deliver; GateError if a verdict `export` has no person behind it, or another channel or purpose."""
    members = session.execute(MEMBERS, wanted).fetchall()
    verdicts = session.execute(VERDICTS, wanted).fetchone()["verdicts"]
    if len(members) != verdicts:
        raise GateError(
            f"audience {wanted['audience']} to {wanted['destination']}: {verdicts} people are to be exported, "
            f"{len(members)} have an address and a stage for {wanted['channel']}. Run the task `transform` again."
        )
    return members


def _record(session: psycopg.Connection, row: list[Any]) -> None:
    session.execute(
        "insert into activation.export_runs (as_of, destination, audience, channel, rows, sha256, path) "
        "values (%s, %s, %s, %s, %s, %s, %s) on conflict (as_of, destination, audience) do update "
        "set rows = excluded.rows, sha256 = excluded.sha256, path = excluded.path",
        row,
    )
