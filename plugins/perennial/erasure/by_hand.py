"""What no code of ours can or may do: a list for whoever erases somebody."""

from collections.abc import Iterator

import psycopg

from perennial import paths
from perennial.activation.plan import targets
from perennial.config import Config, overrides
from perennial.destinations import files, registry
from perennial.erasure.person import Person

OVERRIDES = "identity_overrides.csv"
MEMBER = """
    select destination, audience from pii.destination_members where customer_key = any(%s) order by 1, 2
"""
TOLD = """
    select distinct p.destination from activation.export_rows as r join activation.export_runs as p using (plan)
    where r.customer_key = any(%s) and r.status in ('done', 'handed_over') order by 1
"""


def members(session: psycopg.Connection, keys: list[str]) -> list[tuple[str, str]]:
    """Destination and audience of every tool that still has to be told that she is out."""
    return [(row["destination"], row["audience"]) for row in session.execute(MEMBER, [keys])]


def without_removal(config: Config) -> list[str]:
    """Destinations that are not told of a removal: files are written anew, a message cannot be taken back."""
    return [
        name
        for name, settings in config.destinations.destinations.items()
        if isinstance(settings, files.Settings) or registry.kinds()[settings.kind].Destination.at_most_once
    ]


def todo(session: psycopg.Connection, person: Person, config: Config) -> list[str]:
    """Lines for a person; no id and no address of hers is in them."""
    keys = [r.new_key for r in person.records]
    lines = [
        f"source {name}: it still has her; erase her there. What it delivers of her again lands without her"
        for name in sorted({r.source for r in person.records})
    ]
    for line, row in _overrides(person):
        lines.append(f"config/{OVERRIDES}:{line} names her ({row}); take the line out")
    known = set(targets(config))
    for destination, audience in members(session, keys):
        if (audience, destination) not in known:
            lines.append(f"{destination}: audience {audience} is not configured any more; take her out there yourself")
    for row in session.execute(TOLD, [keys]).fetchall():
        name = row["destination"]
        settings = config.destinations.destinations.get(name)
        if settings is None:
            lines.append(f"{name}: it was told of her and is not configured any more; delete her there")
        elif isinstance(settings, files.Settings):
            lines.append(f"{name}: whoever took a file of it away has to delete the copy, or her line in it")
        else:
            lines.append(
                f"{name} ({settings.kind}): the next plan takes her out of our lists; only the holder of the account "
                "can delete the person there, and what was sent to her"
            )
    lines.append(
        "backups, and the write-ahead log and server log of PostgreSQL: they hold her until they are overwritten"
    )
    return lines


def _overrides(person: Person) -> Iterator[tuple[int, str]]:
    hers = {(r.source, r.id) for r in person.records}
    for line, row in overrides.read(paths.config() / OVERRIDES):
        if hers & set(row.records):
            yield line, row.verdict
