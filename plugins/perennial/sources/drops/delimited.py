"""CSV: a header, then rows. A line of another length is marked, not shifted; a file without a header loses no row."""

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from perennial.sources.drops.content import Unreadable
from perennial.sources.drops.rows import LONGEST_LINE, Rows, Told, TooLong, Wanted, absent_columns, lines

USUAL = ",;\t|"


def tables(stream: BinaryIO, wanted: Wanted, told: Told) -> Iterator[pa.Table]:
    """The rows of a file; Unreadable from the line on that no CSV can be made of."""
    rows = Rows(wanted, told)
    reader = csv.reader(lines(stream, wanted.encoding), delimiter=wanted.delimiter)
    try:
        header = next(reader, [])
        unusable = _look_at(header, wanted, told)
        places = [header.index(c) if c in header else len(header) for c in wanted.columns]
        if header and not set(header) & set(wanted.columns):
            rows.add(None, 1, "no header", _as_text(header, wanted))  # perhaps it is a row: it must not vanish
        for fields in filter(None, reader):
            values = [(fields[p] or None) if p < min(len(fields), len(header)) else None for p in places]
            if problem := _shape(fields, header) or unusable:
                rows.add(values, reader.line_num, problem, _as_text(fields, wanted))
            else:
                rows.add(values, reader.line_num)
            yield from rows.full()
    except (csv.Error, TooLong) as error:
        yield from rows.rest()
        endless = isinstance(error, TooLong)  # a line that the reader never got
        limit = LONGEST_LINE if endless else csv.field_size_limit()
        raise Unreadable(
            f"not readable as CSV from here on: a field or line longer than {limit:,} characters, as after a quote "
            "that is not closed. Have it delivered again",
            reader.line_num + endless,
        ) from None
    yield from rows.rest()


def _shape(fields: list[str], header: list[str]) -> str | None:
    if len(fields) == len(header):
        return None
    return f"{len(fields)} fields where the header has {len(header)}"


def _look_at(header: list[str], wanted: Wanted, told: Told) -> str | None:
    """Note what the header lacks; returns the problem of every row below it, if there is one."""
    if not header:
        told.notes.append(f"{told.file}: is empty, without even a header; no row of it is missing if that is right")
        return None
    absent = absent_columns(told, header, wanted, "its first line")
    if other := _delimiter(header, wanted):
        told.notes.append(f"{told.file}: its columns are separated by {other!r}; set `delimiter: {_yaml(other)}`")
        return f"columns separated by {other!r} where {wanted.delimiter!r} is expected"
    twice = [c for c in wanted.columns if header.count(c) > 1]
    if twice:
        return f"column {twice[0]} stands twice"
    return next((f"no column {c}" for c in absent if c in wanted.needed), None)


def _delimiter(header: list[str], wanted: Wanted) -> str | None:
    """Another delimiter with which the first line names mapped columns."""
    if len(header) > 1:
        return None
    found = [(len(set(header[0].split(d)) & set(wanted.columns)), d) for d in USUAL if d in header[0]]
    most, delimiter = max(found, default=(0, ""))
    return delimiter if most > 0 else None


def _yaml(delimiter: str) -> str:
    return '"\\t"' if delimiter == "\t" else f'"{delimiter}"'


def _as_text(fields: list[str], wanted: Wanted) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=wanted.delimiter).writerow(fields)
    return buffer.getvalue().rstrip("\r\n")
