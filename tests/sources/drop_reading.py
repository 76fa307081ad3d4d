"""Reading a drop folder as a night does."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from order_columns import ORDER_COLUMNS
from perennial.connections import Connection
from perennial.sources import files

NIGHT = date(2026, 1, 5)
HEADER = "no,who,at,amount"


def row(number: Any = 1, amount: str = "10.00") -> str:
    return f"{number},ann,2026-01-02 10:00:00,{amount}"


def csv(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


@dataclass
class Read:
    """The rows of a reading, what to store, and what was noted."""

    rows: list[dict[str, str | None]]
    position: dict[str, Any]
    notes: list[str]

    @property
    def numbers(self) -> list[str | None]:
        return [r["no"] for r in self.rows]

    @property
    def problems(self) -> list[str | None]:
        return [r["_problem"] for r in self.rows]


class Drop:
    """A folder of files, and a source that reads them."""

    def __init__(self, state: Path):
        self.folder = state / "drop"
        self.folder.mkdir(exist_ok=True)
        self.connection: Connection | None = None
        self.own: dict[str, Any] = {"files": "*"}

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def settings(self, **more: Any) -> files.Settings:
        known = {
            "kind": "files",
            "folder": "drop",
            "timezone": "UTC",
            "entities": {"orders": {"columns": ORDER_COLUMNS}},
        }
        return files.Settings.model_validate(known | self.own | more)

    def read(self, position: dict[str, Any] | None = None, **more: Any) -> Read:
        positions = {"orders": position} if position else {}
        for _, extract in files.open("market", self.settings(**more), self.connection, positions, NIGHT):
            found = [r for table in extract.tables for r in table.to_pylist()]
            return Read(found, json.loads(json.dumps(extract.position())), extract.notes)
        raise AssertionError("no entity")
