"""Exports to several destinations at once, of people whom a test decided on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter
from twins.harness import AUDIENCE, Harness

from perennial import config
from perennial.config import Config
from perennial.destinations import base, registry
from perennial.warehouse.database import connect
from verdicts import NIGHT, decide

TOMORROW = NIGHT + timedelta(days=1)
UNGUARDED = {"first": False, "empty": False, "removals": None, "size": None}


def place(harness: Harness, **more: Any) -> base.Settings:
    """What destinations.yml would say of the harness's destination; `connection` is the name it has in `settings`."""
    asked = {"kind": harness.kind, "channel": harness.channel, "attributes": ["stage", "orders"], "guards": UNGUARDED}
    return TypeAdapter(registry.kinds()[harness.kind].Settings).validate_python(asked | harness.settings() | more)


def settings(**places: base.Settings) -> Config:
    """The shipped configuration with an audience for each of these destinations."""
    shipped = config.load()
    one = next(iter(shipped.audiences.audiences.values()))
    audiences = {
        AUDIENCE if name == "there" else f"of_{name}": one.model_copy(update={"destinations": [name]})
        for name in places
    }
    return replace(
        shipped,
        audiences=shipped.audiences.model_copy(update={"audiences": audiences}),
        destinations=shipped.destinations.model_copy(update={"destinations": places}),
    )


def people(harness: Harness, count: int, first: int = 0) -> dict[str, str]:
    """So many people: key -> address of the harness's channel."""
    return {f"k{n:03}": harness.address(n) for n in range(first, first + count)}


def rows_of(destination: str) -> dict[str, list[str]]:
    """Keys by what became of them."""
    query = """
        select r.status, array_agg(r.customer_key order by r.customer_key) as keys
        from activation.export_rows as r join activation.export_runs as p using (plan)
        where p.destination = %s group by r.status
    """
    with connect() as session:
        return {row["status"]: row["keys"] for row in session.execute(query, [destination])}


def decide_for(harness: Harness, everybody: dict[str, str], destination: str = "there", **more: Any) -> None:
    """Tonight's verdict on these people for this destination's audience."""
    audience = AUDIENCE if destination == "there" else f"of_{destination}"
    decide(everybody, audience, destination, channel=harness.channel, **more)
