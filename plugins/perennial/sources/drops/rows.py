"""Rows of a file on their way to the landing zone: text, with where they stood and what is wrong with them.

A line that cannot be used has a `_problem` and its whole `_text`: nothing of it is lost.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

OWN_COLUMNS = ("_file", "_line", "_problem", "_text")
ROWS_PER_TABLE = 20_000
LONGEST_LINE = 4 << 20  # characters; a file without line ends must not fill the memory
Values = list[str | None]


@dataclass
class Wanted:
    """What is asked of every file: mapped columns, and which of them no row can do without."""

    columns: list[str]
    needed: set[str]
    delimiter: str
    encoding: str


@dataclass
class Told:
    """What was noticed about one file."""

    file: str
    notes: list[str] = field(default_factory=list)
    problems: int = 0  # rows that cannot be used as they stand


class Rows:
    """Rows of one file, until there are enough for a table."""

    def __init__(self, wanted: Wanted, told: Told) -> None:
        self.names = [*wanted.columns, *OWN_COLUMNS]
        self._told, self._none = told, [None] * len(wanted.columns)
        self._rows: list[Values] = []

    def add(self, values: Values | None, line: int | None, problem: str | None = None, text: str | None = None) -> None:
        if problem:
            self._told.problems += 1
        self._rows.append(
            [*(values or self._none), self._told.file, None if line is None else str(line), problem, text]
        )

    def full(self) -> Iterator[pa.Table]:
        """A table, if there are rows enough for it."""
        if len(self._rows) >= ROWS_PER_TABLE:
            yield from self.rest()

    def rest(self) -> Iterator[pa.Table]:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            yield pa.table({n: pa.array(c, pa.string()) for n, c in zip(self.names, columns, strict=True)})
            self._rows = []


class TooLong(Exception):
    """A line without end."""


def lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of a file with their ends. What is no text becomes U+FFFD, which the contract rejects in its row."""
    # with utf-8 a byte order mark is none of the text
    name = "utf-8-sig" if encoding == "utf-8" else encoding
    text = io.TextIOWrapper(stream, encoding=name, errors="replace", newline="")
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise TooLong
        yield line


def gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables, where many small files make many small ones."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        if count >= ROWS_PER_TABLE:
            yield pa.concat_tables(held)
            held, count = [], 0
    if held:
        yield pa.concat_tables(held)


def absent_columns(told: Told, present: list[str], wanted: Wanted, where: str) -> list[str]:
    """Mapped columns that a file has not; noted by their own names, since what it has instead may be a row."""
    absent = [c for c in wanted.columns if c not in present]
    if absent:
        told.notes.append(
            f"{told.file}: no column {', '.join(absent)} among the {len(present)} of {where}. "
            "Map what it has in config/sources.yml, or have it delivered with them"
        )
    return absent
