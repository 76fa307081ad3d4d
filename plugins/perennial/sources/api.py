"""What connectors of APIs share. They know their vendor's rows, so their entry in sources.yml maps nothing:

    webshop:
      kind: shopify
      connection: webshop
      entities: [customers, orders]    # without it, all the kind delivers

Each entity is read by itself, lazily, and what refers to something is read before it: an order that arrives in between
is met with its lines and its customer. What a reading meets twice is landed twice; the loader knows it.
"""

import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import model_validator

from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.entry import Identifier, Misplaced
from perennial.errors import ConfigError, FatalError, PerennialError, RetriableError
from perennial.http_client import Refused, Unsure, base_url
from perennial.landing import Extract
from perennial.sources import base
from perennial.sources.base import Column, Entity, Zone
from perennial.sources.cursor import CLOCK_DRIFT, Cursor

ROWS_PER_TABLE = 5_000
ALL_IDS = {"ids": "all"}  # in place of a position: only keys and dates are wanted, those of everything there is

ODD = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)  # from an answer of another shape

Row = dict[str, Any]


class ApiSettings(base.SweptSettings):
    """Which account, and which of its entities. `delivers` names the contract columns of each."""

    connection: Identifier
    timezone: Zone = "UTC"  # every moment an API tells has a zone
    delivers: ClassVar[dict[str, str]]
    event_types: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _maps_itself(cls, data: Any) -> Any:
        names = data.get("entities", list(cls.delivers)) if isinstance(data, dict) else None
        if names is None:
            return data
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(name, str) and name in cls.delivers for name in names)
        ):
            raise Misplaced(f"lists entities, mapped already; accepted: {', '.join(cls.delivers)}", "entities")
        return data | {"entities": {name: cls._entity(name) for name in names}}

    @classmethod
    def _entity(cls, name: str) -> Entity:
        columns = {column: Column(from_=column) for column in cls.delivers[name].split()}
        if "event_type" in columns:
            columns["event_type"] = Column(from_="event_type", values={kind: kind for kind in cls.event_types})
        return Entity(columns=columns)


class Reading:
    """One entity being read: from when on, what passed, and what is to be told of it afterwards."""

    def __init__(self, what: str, overlap_days: float, stored: dict[str, Any] | None) -> None:
        self.only_ids = stored == ALL_IDS
        stored = None if self.only_ids else stored
        self.cursor = Cursor(what, 0, "UTC", stored)
        # what changes from now on may be told of by one list and missed by another that was read before
        self.cursor.limit = wall_clock() - CLOCK_DRIFT
        self.stored = self.cursor.newest  # as far as earlier nights came; None the first time
        self.since = self.cursor.since(overlap_days)
        self.earlier = stored or {}  # the position before
        self.more: dict[str, Any] = {}  # of the position after, beside the newest change
        self.notes: list[str] = []
        self.left_out: Counter[str] = Counter()

    def saw(self, changes: Iterable[str | datetime]) -> None:
        """Take note of when rows changed, read or left out."""
        self.cursor.see([[changed] for changed in changes])

    def delivered_before(self, created: datetime) -> bool:
        """Whether an earlier night may have delivered what was created then."""
        return self.stored is not None and created <= self.stored


def land(
    name: str, source: ApiSettings, entity: str, stored: dict[str, Any] | None, read: Callable[[Reading], Iterator[Row]]
) -> Extract:
    """What is to be landed of an entity; `read` yields its rows."""
    reading = Reading(f"source '{name}', entity '{entity}'", source.overlap_days, stored)
    columns = [*source.entities[entity].columns, *([base.MAY_BE_UNKNOWN] if reading.only_ids else [])]

    def tables() -> Iterator[pa.Table]:
        with told_by(name):
            rows: list[Row] = []
            for row in read(reading):
                rows.append(row)
                if len(rows) == ROWS_PER_TABLE:
                    yield _table(rows, columns)
                    rows = []
            if rows:
                yield _table(rows, columns)
        reading.notes += [f"{count:,} {why} left out" for why, count in reading.left_out.items()]

    return Extract(columns, tables(), lambda: reading.cursor.position() | reading.more, reading.notes)


def unsure(row: Row) -> Row:
    """The row of a thing that there is, and of which no night had to tell."""
    return row | {base.MAY_BE_UNKNOWN: "yes"}


def as_sure_as(thing: Row, row: Row) -> Row:
    """The row that is made of a thing, unsure if that is."""
    return unsure(row) if thing.get(base.MAY_BE_UNKNOWN) else row


@contextmanager
def told_by(name: str) -> Iterator[None]:
    """Errors tell which source they are about."""
    try:
        yield
    except PerennialError as error:
        kind = type(error)
        if isinstance(error, Refused | Unsure):  # what a vendor answered is no part of it any more
            kind = FatalError if isinstance(error, Refused) else RetriableError
        raise kind(f"source '{name}': {error}") from None
    except ODD as odd:  # not quoted: it may name people
        at = traceback.extract_tb(odd.__traceback__)[-1]
        raise RetriableError(
            f"source '{name}': an answer is not what the vendor promises ({type(odd).__name__} in {at.name})."
        ) from None


def address(connection: Connection | None, source: ApiSettings, usual: str | None, example: str) -> str:
    """Where the vendor is; ConfigError if the connection lacks the key or, where every shop has its own, the host."""
    if connection is not None and connection.password and not connection.host and usual is None:
        raise ConfigError(f"connection '{source.connection}': has no host. Set it to e.g. {example}")
    return base_url(source.connection, connection, usual or "")


def email_key(email: Any) -> str | None:
    """The id of somebody known by e-mail only, the same in all sources; None without one."""
    text = str(email or "").strip(" ").lower()
    return f"email:{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}" if text else None


def guests(rows: Iterable[Row], reading: Reading) -> Iterator[Row]:
    """Who orders without an account: one row each, first seen with the first order and reached as with the last.

    The first time there may be too many to remember: then one row per order, of which the warehouse makes the same.
    """
    if reading.since is None:
        yield from rows
        return
    known: dict[str, Row] = {}
    for row in rows:
        last = max(known.get(row["customer_id"], row), row, key=lambda r: r["changed_at"])
        first = min(known.get(row["customer_id"], row), row, key=lambda r: r["registered_at"])
        known[row["customer_id"]] = last | {"registered_at": first["registered_at"]}
    yield from known.values()


def text_of(moment: datetime) -> str:
    """As vendors take it in queries: UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _table(rows: list[Row], columns: list[str]) -> pa.Table:
    texts = {c: pa.array([None if (v := r.get(c)) is None else str(v) for r in rows], pa.string()) for c in columns}
    return pa.table(texts)
