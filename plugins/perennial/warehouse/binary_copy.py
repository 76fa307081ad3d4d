"""Rows in PostgreSQL's binary COPY format, made of Arrow columns without a Python object per row.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Every row is joined of pieces: what has the same
size in all rows is one piece, with the length of the text that follows, and every text is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
NULL = -1  # length of a field without a value
MICROSECONDS_TO_2000 = 946_684_800_000_000
DIGITS = 5  # of base 10,000: 18 decimal digits, four of them behind the point


@dataclass(frozen=True)
class Field:
    """One field of all rows: a text column, or values of one size; `absent` says where it is null."""

    text: pa.Array | None = None
    values: np.ndarray | None = None  # bytes, one line per row
    absent: np.ndarray | None = None


def texts(column: pa.Array) -> Field:
    """Of a text column."""
    return Field(text=column)


def same(value: str, rows: int) -> Field:
    """The same text in all rows."""
    encoded = np.frombuffer(value.encode(), np.uint8)
    return Field(values=np.broadcast_to(encoded, (rows, len(encoded))))


def whole(column: pa.Array) -> Field:
    """bigint, of int64."""
    return _fixed(column, lambda numbers: numbers.astype(">i8"))


def moments(column: pa.Array) -> Field:
    """timestamptz, of int64: microseconds since 1970 in UTC."""
    return _fixed(column, lambda since: (since - MICROSECONDS_TO_2000).astype(">i8"))


def numbers(column: pa.Array) -> Field:
    """numeric with four digits behind the point, of int64: ten thousandths."""
    return _fixed(column, _numeric)


def _numeric(values: np.ndarray) -> np.ndarray:
    # digits, weight of the first, sign, digits shown behind the point; leading zeros are taken off by the server
    row = np.empty((len(values), 4 + DIGITS), ">i2")
    row[:, 0], row[:, 1], row[:, 3] = DIGITS, DIGITS - 2, 4
    row[:, 2] = np.where(values < 0, 0x4000, 0)
    rest = np.abs(values)
    for place in range(3 + DIGITS, 3, -1):
        rest, row[:, place] = np.divmod(rest, 10_000)
    return row


def _fixed(column: pa.Array, packed: object) -> Field:
    absent = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    values = packed(pc.fill_null(column, 0).to_numpy())
    return Field(values=np.ascontiguousarray(values).view(np.uint8).reshape(len(column), -1), absent=absent)


def rows(fields: list[Field], count: int) -> memoryview:
    """All rows, ready to be written between HEADER and TRAILER."""
    joined = pc.binary_join_element_wise(*_pieces(fields, count), b"")
    start, end = np.frombuffer(joined.buffers()[1], np.int32)[[joined.offset, joined.offset + count]]
    return memoryview(joined.buffers()[2])[start:end]


def _pieces(fields: list[Field], count: int) -> Iterator[pa.Array]:
    pending = [_lengths(len(fields), count, ">i2")]
    for field in fields:
        if field.text is not None:
            size = pc.fill_null(pc.binary_length(field.text), NULL).to_numpy()
            pending.append(size.astype(">i4").view(np.uint8).reshape(count, 4))
            yield _joined(pending, count)
            yield pc.fill_null(field.text, "").cast(pa.binary())
            pending = []
        elif field.absent is None:
            pending += [_lengths(field.values.shape[1], count, ">i4"), field.values]
        else:
            if pending:
                yield _joined(pending, count)
                pending = []
            whole = _joined([_lengths(field.values.shape[1], count, ">i4"), field.values], count)
            nothing = pa.scalar(np.array(NULL, ">i4").tobytes(), pa.binary())
            yield pc.if_else(pa.array(field.absent), nothing, whole)
    if pending:
        yield _joined(pending, count)


def _lengths(size: int, count: int, kind: str) -> np.ndarray:
    encoded = np.array([size], kind).view(np.uint8)
    return np.broadcast_to(encoded, (count, len(encoded)))


def _joined(parts: list[np.ndarray], count: int) -> pa.Array:
    """Bytes side by side, as a binary column; every row has the same size."""
    together = np.concatenate(parts, axis=1)
    ends = np.arange(count + 1, dtype=np.int32) * together.shape[1]
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(ends), pa.py_buffer(together)])
