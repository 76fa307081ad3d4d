"""What a section is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from perennial.lifecycle.phrases import Words

Cell = Words | str
Spec = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers stand right."""

    head: Words
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """The numbers behind a chart, or a table that is shown open."""

    caption: Words
    columns: list[Column]
    rows: list[list[Cell]]
    is_open: bool = False
    is_half: bool = False


@dataclass(frozen=True)
class Chart:
    """A drawing: `draw(language, width)` is a spec of Vega-Lite, or of Vega if it has no `$schema` of Vega-Lite.

    `says` is what it shows in a sentence, also for who does not see it.
    """

    name: str
    title: Words
    says: Words
    draw: Callable[[str, int], Spec]
    table: Table | None = None
    is_half: bool = False


@dataclass(frozen=True)
class Change:
    """How a headline number differs from that of an earlier night."""

    since: Words
    value: str
    direction: int = 0


@dataclass(frozen=True)
class Tile:
    """A headline number."""

    label: Words
    value: str
    changes: list[Change] = field(default_factory=list)
    note: Words | None = None


@dataclass(frozen=True)
class Tiles:
    """Headline numbers, side by side."""

    tiles: list[Tile]


@dataclass(frozen=True)
class Note:
    """A sentence; `tone` is plain, good or bad."""

    text: Words
    tone: str = "plain"


Part = Chart | Table | Tiles | Note
