"""Parquet: typed columns, as text. Decimals, dates and moments stay exact; a moment with a zone comes in UTC."""

import json
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from perennial.sources.drops.content import Limits, Unreadable
from perennial.sources.drops.rows import OWN_COLUMNS, ROWS_PER_TABLE, Told, Wanted, absent_columns

BROKEN = "is no whole Parquet file; have it delivered again"


def tables(stream: BinaryIO, wanted: Wanted, told: Told, limits: Limits) -> Iterator[pa.Table]:
    """The rows of a file; Unreadable if it is broken, or a mapped column holds no single values."""
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError):
        raise Unreadable(BROKEN) from None
    _within(file.metadata, limits)
    schema = file.schema_arrow
    absent = absent_columns(told, schema.names, wanted, "its columns")
    unusable = next((f"no column {c}" for c in absent if c in wanted.needed), None)
    here = [c for c in wanted.columns if c in schema.names]
    for column in here:
        if not _is_plain(schema.field(column).type):
            raise Unreadable(
                f"column {column} is {schema.field(column).type}, not a single value per row. Map another one"
            )
    first, batches = 1, file.iter_batches(batch_size=ROWS_PER_TABLE, columns=None if unusable else here)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError):
            raise Unreadable(BROKEN, first) from None
        if batch is None:
            return
        if unusable:
            told.problems += batch.num_rows
        yield _table(batch, wanted, told.file, first, unusable)
        first += batch.num_rows


def _within(metadata: pq.FileMetaData, limits: Limits) -> None:
    groups = (metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    if sum(groups) > limits.bytes:
        raise Unreadable(f"unpacks to more than {limits.bytes / 1e9:g} GB; if that is right, raise `max_gigabytes`")


def _table(batch: pa.RecordBatch, wanted: Wanted, file: str, first: int, unusable: str | None) -> pa.Table:
    rows, none = batch.num_rows, pa.nulls(batch.num_rows, pa.string())
    found = {name: as_text(batch.column(name)) for name in batch.schema.names if name in wanted.columns}
    whole = (
        pa.array([json.dumps(row, default=str, ensure_ascii=False) for row in batch.to_pylist()]) if unusable else none
    )
    own = (
        pa.array([file] * rows, pa.string()),
        pa.array(range(first, first + rows)).cast(pa.string()),
        pa.array([unusable] * rows, pa.string()),
        whole,
    )
    return pa.table({c: found.get(c, none) for c in wanted.columns} | dict(zip(OWN_COLUMNS, own, strict=True)))


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return not (pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind))


def as_text(column: pa.Array) -> pa.Array:
    """Values as the contract reads them."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        # a nanosecond more or less; with a zone the text ends in Z
        return column.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False).cast(pa.string())
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowInvalid:  # bytes that are no UTF-8
        texts = [None if v is None else bytes(v).decode("utf-8", "replace") for v in column.to_pylist()]
        return pa.array(texts, pa.string())
