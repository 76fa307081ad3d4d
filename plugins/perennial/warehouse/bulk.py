"""Plain rows straight from landing into a table: checked in Arrow, copied in binary, nothing staged.

What is not plain stays behind by row number, and rows that may say what a row before them said are named too: the
loader has PostgreSQL look at both.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from perennial.ahead import ahead
from perennial.landing import Batch
from perennial.warehouse import binary_copy, repeats
from perennial.warehouse.contract import Column
from perennial.warehouse.plain_rows import Plain

FIELDS = {"timestamp": binary_copy.moments, "number": binary_copy.numbers, "whole": binary_copy.whole}


class Bulk:
    """One batch on its way into a table."""

    def __init__(self, batch: Batch, key: tuple[str, ...]) -> None:
        self._batch, self._key = batch, key
        self._masks: list[np.ndarray] = []  # per piece of the batch, which rows are plain
        self._keys: list[np.ndarray] = []  # hashes of the keys of plain rows

    @property
    def rows(self) -> int:
        """All rows of the batch."""
        return sum(map(len, self._masks))

    @property
    def copied(self) -> int:
        """Those that were plain."""
        return sum(map(len, self._keys))

    @property
    def repeated(self) -> list[int]:
        """Numbers of copied rows whose key another copied row may have too."""
        places = repeats.repeated(self._keys)
        return (np.flatnonzero(np.concatenate(self._masks))[places] + 1).tolist() if len(places) else []

    def leave(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Copy nothing."""
        self._masks += [np.zeros(rows.num_rows, bool) for rows in batches]

    def left(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
        """The rows of the same batch that were not copied, with their numbers."""
        # rows that wait in quarantine are older than what the night itself delivers
        first = -self.rows if self._batch.is_replay else 1
        for mask, rows in zip(self._masks, batches, strict=True):
            if not mask.all():
                yield first + np.flatnonzero(~mask), rows.filter(pa.array(~mask))
            first += len(mask)

    def copy(
        self,
        session: psycopg.Connection,
        table: sql.Composable,
        columns: list[Column],
        plain: Iterable[tuple[Plain | None, np.ndarray]],
        frozen: bool,
    ) -> None:
        """Copy the plain rows into `table`, which has the columns of raw; `columns` are the mapped ones."""
        # texts last: what has one size in all rows is put together at once
        fields = {c.name: FIELDS[c.type] for c in columns if c.type in FIELDS}
        fields |= {c.name: binary_copy.texts for c in columns if c.type not in FIELDS}
        names = ["payload_hash", "row_no", "source", "batch_id", *fields]
        copy = sql.SQL("copy {} ({}) from stdin (format binary, freeze {})").format(
            table, sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(str(frozen))
        )

        def encoded() -> Iterator[memoryview]:
            for found, mask in plain:
                numbers = self.rows + 1 + np.flatnonzero(mask)
                self._masks.append(mask)
                if found is None:
                    continue
                self._keys.append(repeats.key_hashes([found.values[name] for name in self._key]))
                own = [
                    binary_copy.Field(values=found.hashes),
                    binary_copy.whole(pa.array(numbers)),
                    binary_copy.same(self._batch.source, len(found)),
                    binary_copy.same(self._batch.batch_id, len(found)),
                ]
                yield binary_copy.rows([*own, *(make(found.values[n]) for n, make in fields.items())], len(found))

        with session.cursor().copy(copy) as into:
            into.write(binary_copy.HEADER)
            for rows in ahead(encoded()):
                into.write(rows)
            into.write(binary_copy.TRAILER)
