"""config/identity_overrides.csv: what you know of two customer records, which no evidence may change.

verdict                          same: they are one person; different: they are not
source,customer_id               one record: a name in sources.yml, and the id as that source has it
other_source,other_customer_id   the other
reason                           why, for whoever reads it later; no contact details

Taking a line out undoes it in the next night.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from perennial.config import csv_rows
from perennial.entry import Entry, Identifier

Filled = Annotated[str, Field(min_length=1)]
Record = tuple[str, str]

REMEDY = {
    "verdict": "same or different",
    "customer_id": "the id of a customer as the source has it",
    "other_customer_id": "the id of a customer as the source has it",
    "reason": "a reason, for whoever reads it later",
}


class Override(Entry):
    """What somebody decided about two records."""

    verdict: Literal["same", "different"]
    source: Identifier
    customer_id: Filled
    other_source: Identifier
    other_customer_id: Filled
    reason: Filled

    @property
    def records(self) -> tuple[Record, Record]:
        """Both records, in one order whichever way they stand."""
        first, second = sorted([(self.source, self.customer_id), (self.other_source, self.other_customer_id)])
        return first, second


def read(path: Path) -> list[tuple[int, Override]]:
    """Every row with its line; ConfigError for a row that is not as it should be, naming line, column and value."""
    return csv_rows.read(path, Override, REMEDY, "a name of sources.yml")


def problems(path: Path, overrides: list[tuple[int, Override]], sources: list[str]) -> Iterator[str]:
    """What is wrong with the rows as a whole: unknown sources, a pair twice, or both the same person and not."""
    seen: dict[tuple[Record, Record], tuple[int, str]] = {}
    for line, row in overrides:
        at, pair = f"{path}:{line}", row.records
        for column, source in (("source", row.source), ("other_source", row.other_source)):
            if source not in sources:
                yield f"{at}: {column}: is '{source}'; accepted: {', '.join(sources)}"
        if pair[0] == pair[1]:
            yield f"{at}: names one record twice; give two records"
        elif pair in seen:
            before, verdict = seen[pair]
            what = "once more" if verdict == row.verdict else f"as {row.verdict}, there as {verdict}"
            yield f"{at}: the pair stands in line {before} already, here {what}; keep one of them"
        seen.setdefault(pair, (line, row.verdict))
    one = _joined(row for _, row in overrides)
    for line, row in overrides:
        first, second = row.records
        if row.verdict == "different" and first != second and one(first) == one(second):
            yield (
                f"{path}:{line}: verdict: is 'different', but other lines say 'same' of both, directly or through "
                "other records; take one of them out"
            )


def _joined(overrides: Iterator[Override]):
    """A function from a record to the one that stands for all that are said to be the same person."""
    parent: dict[Record, Record] = {}

    def root(record: Record) -> Record:
        while record in parent:
            record = parent[record]
        return record

    for row in overrides:
        if row.verdict == "same":
            first, second = (root(record) for record in row.records)
            if first != second:
                parent[second] = first
    return root
