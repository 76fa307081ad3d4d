"""What the contract test needs to know of each kind of source."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from shop_twins.server import Twin

from perennial.connections import Connection
from perennial.sources import registry
from perennial.sources.base import Settings

NIGHT = date(2026, 1, 5)
Keys = dict[str, set[str]]


@dataclass
class Read:
    """What a reading came to, by entity."""

    rows: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)
    positions: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def orders(self) -> dict[str, dict[str, str | None]]:
        """The orders by their numbers."""
        return {row["order_id"]: row for row in self.rows["orders"]}

    @property
    def amounts(self) -> dict[str, str | None]:
        """What was sold, by the order's number."""
        return {number: row["amount"] for number, row in self.orders.items()}


class Example(ABC):
    """A shop with customers 1 and 2 and their orders 11 and 12; then 2 changes 12, and 1 orders 13.

    Rows are named by the first column of their key in the contract. A kind without a server of its own leaves `twin`
    alone, one without a key `secret`.
    """

    kind: ClassVar[str]
    secret: ClassVar[str | None] = None
    twin: Twin | None = None
    first: Keys  # all rows of the beginning
    changed: Keys  # what is new or other after `change`
    untouched: Keys  # what nobody has to read again
    gone: Keys  # what `vanish` deletes without a word; nothing of a kind that is not swept

    def __init__(self, state: Path, now: datetime, monotonic: Callable[[], float]) -> None:
        self.state, self.now, self.monotonic = state, now, monotonic
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Set the shop up."""

    @abstractmethod
    def change(self) -> None:
        """Let the second day happen."""

    def vanish(self) -> None:
        """Delete something for good."""
        pytest.fail(f"{type(self).__name__} does not say how, and is swept")

    def revoke(self) -> None:
        """Take a right away from the key."""
        pytest.fail(f"{type(self).__name__} does not say how, and the test asks")

    def own(self) -> dict[str, Any]:
        """Settings of the kind."""
        return {"connection": "shop"}

    def settings(self, **more: Any) -> Settings:
        known = {"kind": self.kind, "overlap_days": 0, **self.own(), **more}
        return registry.kinds()[self.kind].Settings.model_validate(known)

    def connection(self, secret: str | None = None) -> Connection | None:
        return Connection("http", host=self.twin.url, password=secret or self.secret)

    def read(
        self,
        positions: dict[str, Any] | None = None,
        connection: Connection | None = None,
        as_of: date = NIGHT,
        **more: Any,
    ) -> Read:
        """Read everything there is after these positions."""
        found, source = Read(), self.settings(**more)
        connector = registry.connector(source)
        for entity, extracted in connector.open("it", source, connection or self.connection(), positions or {}, as_of):
            found.rows[entity] = [row for table in extracted.tables for row in table.to_pylist()]
            found.positions[entity] = json.loads(json.dumps(extracted.position()))
            found.notes[entity] = extracted.notes
        return found

    def days_ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    def close(self) -> None:
        if self.twin:
            self.twin.stop()
            assert self.twin.violations == []
