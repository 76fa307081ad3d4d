"""How the contract test looks at audience files: a folder instead of a twin."""

import csv
import itertools
from typing import Any

from perennial import paths
from twins.harness import AUDIENCE, NIGHT, Harness

NUMBERS = itertools.count(1)


class FilesHarness(Harness):
    kind = "files"
    key = "none"

    def __init__(self, channel: str):
        super().__init__(channel)
        self.folder = f"audiences/{next(NUMBERS)}"

    def settings(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def connection(self, key: str) -> None:
        return None

    def people(self) -> dict[str, dict[str, Any]]:
        path = paths.state() / self.folder / str(NIGHT) / f"{AUDIENCE}.csv"
        if not path.exists():
            return {}
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        column = "email" if self.channel == "email" else "phone"
        known = {r.pop(column): {k: v for k, v in r.items() if k != "customer_key" and v} for r in rows}
        for attributes in known.values():
            if "orders" in attributes:
                attributes["orders"] = int(attributes["orders"])
        return known
