"""Which module delivers to which kind of destination."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from perennial.config.destinations import Destination as Settings
from perennial.destinations import files


class Destination(Protocol):
    """Delivers one audience of one night; delivering it again changes nothing."""

    def deliver(
        self, destination: Settings, audience: str, as_of: date, members: Iterable[dict[str, Any]]
    ) -> tuple[Path, int, str]: ...


DESTINATIONS: dict[str, Destination] = {"files": files}
