"""File drops: a folder into which another system puts CSV files.

    click_collect:
      kind: files
      folder: drop/click_collect       # relative to the state folder, or absolute
      files: "click_collect_*.csv"
      timezone: America/New_York       # how wall times in the files are meant
      entities:
        orders: {columns: {order_id: pickup_ref, amount: basket_value, ...}}

A file is read when its name or its content is new, so late and re-delivered files are taken. Fields are text; what
they mean is decided by the contract, row by row. `_file` and `_line` tell where a row stood. A line that does not fit
the header, or stands below a header without a required column, has a `_problem` and its whole `_text`: nothing of it is
lost. Other missing columns are empty. Notes name the columns we expect, never what a file holds.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from perennial import paths
from perennial.connections import Connection
from perennial.errors import ConfigError, ContractError, RetriableError
from perennial.landing import Extract
from perennial.sources import base
from perennial.sources.base import Entity
from perennial.warehouse import contract

ROWS_PER_TABLE = 20_000
OWN_COLUMNS = ("_file", "_line", "_problem", "_text")


class Settings(base.Settings):
    """Which folder, and which of its files."""

    kind: Literal["files"]
    folder: str
    files: str = Field(pattern=r"^[^/].*$")


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the drop folder; see the registry for the contract."""
    folder = paths.state() / source.folder
    if not folder.is_dir():
        raise ConfigError(
            f"source '{name}': {folder} is not a folder. Create it, or mend 'folder' in config/sources.yml."
        )
    files = {p.name: _digest(p) for p in sorted(folder.glob(source.files)) if p.is_file()}
    for entity_name, entity in source.entities.items():
        known = (positions.get(entity_name) or {}).get("files", {})
        required = {c.name for c in contract.ENTITIES[entity_name].columns if c.required}
        yield entity_name, _extract(folder, entity, required, known, files)


def _extract(folder: Path, entity: Entity, required: set[str], known: dict[str, str], files: dict[str, str]) -> Extract:
    fresh = [name for name, digest in files.items() if known.get(name) != digest]
    needed = {c.from_ for name, c in entity.columns.items() if name in required and c.from_}
    wanted = list(dict.fromkeys(c.from_ for c in entity.columns.values() if c.from_))
    notes: list[str] = []
    return Extract(
        columns=[*wanted, *OWN_COLUMNS],
        tables=_tables(folder, fresh, wanted, needed, notes),
        position=lambda: {"files": known | files},
        notes=notes,
    )


def _tables(
    folder: Path, names: list[str], wanted: list[str], needed: set[str], notes: list[str]
) -> Iterator[pa.Table]:
    rows: list[list[str | None]] = []
    for name in names:
        for row in _rows(folder / name, wanted, needed, notes):
            rows.append(row)
            if len(rows) == ROWS_PER_TABLE:
                yield _table(rows, wanted)
                rows = []
    if rows:
        yield _table(rows, wanted)


def _rows(path: Path, wanted: list[str], needed: set[str], notes: list[str]) -> Iterator[list[str | None]]:
    # undecodable bytes become U+FFFD, which the contract rejects: the row is kept, the run goes on
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.reader(stream)
        try:
            header = next(reader, [])
            unusable = _look_at(path.name, header, wanted, needed, notes)
            places = [header.index(c) if c in header else len(header) for c in wanted]
            if header and not set(header) & set(wanted):
                yield _row(
                    header, [None] * len(wanted), path.name, 1, "no header"
                )  # perhaps it is a row: it must not vanish
            for fields in filter(None, reader):
                problem = unusable
                if len(fields) != len(header):
                    problem = f"{len(fields)} fields where the header has {len(header)}"
                values = [fields[p] if p < min(len(fields), len(header)) else None for p in places]
                yield _row(fields, values, path.name, reader.line_num, problem)
        except csv.Error as error:
            raise ContractError(
                f"{path}:{reader.line_num}: not readable as CSV: {error}. Have the file delivered again."
            ) from None


def _look_at(name: str, header: list[str], wanted: list[str], needed: set[str], notes: list[str]) -> str | None:
    """Note what the header lacks; returns the problem of every row below it, if there is one."""
    absent = [c for c in wanted if c not in header]
    if absent:
        notes.append(f"{name}: no column {', '.join(absent)} among the {len(header)} of its first line")
    twice = [c for c in wanted if header.count(c) > 1]
    if twice:
        return f"column {twice[0]} stands twice"
    return next((f"no column {c}" for c in absent if c in needed), None)


def _row(fields: list[str], values: list[str | None], file: str, line: int, problem: str | None) -> list[str | None]:
    text = None
    if problem:
        buffer = io.StringIO()
        csv.writer(buffer).writerow(fields)
        text = buffer.getvalue().rstrip("\r\n")
    return [*(v or None for v in values), file, str(line), problem, text]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise RetriableError(f"{path}: cannot be read: {error.strerror}. Mend its permissions.") from None


def _table(rows: list[list[str | None]], wanted: list[str]) -> pa.Table:
    columns = zip(*rows, strict=True)
    names = [*wanted, *OWN_COLUMNS]
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
