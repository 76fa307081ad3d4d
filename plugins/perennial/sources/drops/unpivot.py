"""Files with one column per currency, day or shop: each such column of a row becomes a row of its own."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from perennial.sources.base import Unpivot

ABSENT = ["", "N/A"]  # how those who publish rates say that there is none; no array: making one imports pandas


def read_columns(wanted: list[str], how: Unpivot | None) -> list[str]:
    """What is read of a file so that there can be the columns `wanted`."""
    if how is None:
        return wanted
    return [*(c for c in wanted if c not in (how.name, how.value)), *how.columns]


def unpivoted(tables: Iterator[pa.Table], columns: list[str], how: Unpivot | None) -> Iterator[pa.Table]:
    """The same rows as tables of `columns`, those of `how` as rows; a row with a problem of its own stays one row."""
    for table in tables:
        yield _rows(table, how).select(columns) if how else table


def _rows(table: pa.Table, how: Unpivot) -> pa.Table:
    others = table.drop_columns(how.columns)
    broken = pc.is_valid(table["_problem"])
    parts = [_part(others.filter(broken), how, None, pa.nulls(pc.sum(broken).as_py() or 0, pa.string()))]
    whole, rest = table.filter(pc.invert(broken)), others.filter(pc.invert(broken))
    absent = pa.array(ABSENT)
    for column in how.columns:
        said = pc.and_(pc.is_valid(whole[column]), pc.invert(pc.is_in(pc.utf8_trim_whitespace(whole[column]), absent)))
        parts.append(_part(rest.filter(said), how, column, whole[column].filter(said)))
    return pa.concat_tables(parts)


def _part(table: pa.Table, how: Unpivot, column: str | None, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    names = pa.array([column] * table.num_rows, pa.string())
    return table.append_column(how.name, names).append_column(how.value, values)
