"""Landed rows as a temporary table of texts, which rowcheck.py looks at."""

import io
from collections.abc import Iterable, Iterator

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyarrow import csv


def copy_rows(session: psycopg.Connection, columns: Iterable[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Make `landed_rows` of rows whose columns are text; they are numbered from 1 on."""
    copy_numbered(session, columns, _numbered(batches))


def _numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[np.ndarray, pa.RecordBatch]]:
    first = 1
    for rows in batches:
        yield np.arange(first, first + rows.num_rows), rows
        first += rows.num_rows


def copy_numbered(
    session: psycopg.Connection, columns: Iterable[str], batches: Iterable[tuple[np.ndarray, pa.RecordBatch]]
) -> None:
    """Make `landed_rows` of rows with their numbers."""
    typed = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(c)) for c in columns)
    session.execute(sql.SQL("create temp table landed_rows (_row_no bigint, {}) on commit drop").format(typed))
    with session.cursor().copy("copy landed_rows from stdin with (format csv)") as copy:
        for numbers, rows in batches:
            copy.write(_as_csv(rows, numbers))


def _as_csv(rows: pa.RecordBatch, numbers: np.ndarray) -> memoryview:
    # PostgreSQL has no NUL in text; U+FFFD marks the row for quarantine
    texts = [pc.replace_substring(column, "\0", "\ufffd") for column in rows.columns]
    table = pa.table([pa.array(numbers), *texts], names=["_row_no", *rows.schema.names])
    buffer = io.BytesIO()
    # null is written as nothing and text in quotes, so COPY tells an empty text from null
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return buffer.getbuffer()
