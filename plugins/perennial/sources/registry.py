"""Which connector reads which kind of source."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol

from perennial.config.sources import Source
from perennial.connections import Connection
from perennial.landing import Extract
from perennial.sources import files, sql


class Connector(Protocol):
    """A kind of source. `open` yields (entity, extract) pairs, consistent with each other where the system allows it.

    `positions` holds, per entity, the cursor stored after the last loaded batch (None the first time).
    """

    def open(
        self,
        name: str,
        source: Source,
        connection: Connection | None,
        positions: dict[str, Any],
        as_of: date,
    ) -> Iterator[tuple[str, Extract]]: ...


CONNECTORS: dict[str, Connector] = {"sql": sql, "files": files}
