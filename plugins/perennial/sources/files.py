"""File drops: files that another system puts into a folder of this machine, of an SFTP server or of a bucket.

    click_collect:
      kind: files
      connection: supplier             # sftp or aws; without it the folder is here
      folder: drop/click_collect       # relative to the state folder, or absolute; in a bucket bucket/folder
      files: "click_collect_*.csv"     # or *.jsonl, *.parquet; also with folders: "2026-*/*.csv", "**/*.csv"
      timezone: America/New_York       # how wall times in the files are meant
      delimiter: ";"                   # of CSV; the comma is usual
      encoding: cp1252                 # utf-8 is usual
      entities:
        orders: {columns: {order_id: pickup_ref, amount: basket_value, ...}}
        exchange_rates:                # a file with one column per currency, as central banks have it
          unpivot: {columns: [USD, CNY], name: currency, value: rate}
          columns: {base: {constant: EUR}, currency: currency, rated_on: Date, rate: rate}

A file is read when its name or its content is new, so late and re-delivered files are taken; see drops/memory.py. Gzip
and zstd are known by what is in a file, not by its name. Fields are text; what they mean is decided by the contract,
row by row. `_file` and `_line` tell where a row stood. A line that cannot be used has a `_problem` and its whole
`_text`; a file that cannot be read is one row with a `_problem`: the others are read all the same. It is read again
when it changes, or when this entry does. Notes name the columns we expect, never what a file holds.
"""

import codecs
import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO, Literal

import pyarrow as pa
from pydantic import Field, field_validator

from perennial import paths
from perennial.connections import Connection
from perennial.errors import ConfigError, PerennialError, RetriableError
from perennial.landing import Extract
from perennial.places import registry, search
from perennial.places.base import File, Place
from perennial.sources import base
from perennial.sources.base import Entity
from perennial.sources.drops import content, delimited, json_lines, parquet_rows
from perennial.sources.drops.content import Content, Limits, Unreadable
from perennial.sources.drops.memory import Memory
from perennial.sources.drops.rows import OWN_COLUMNS, Rows, Told, Wanted, gathered
from perennial.sources.drops.unpivot import read_columns, unpivoted
from perennial.warehouse import contract

ENDINGS = {".parquet": "parquet", ".jsonl": "json_lines", ".ndjson": "json_lines", ".json": "json_lines"}


# see docs/decisions/0024-what-is-gone-is-told.md
NOT_SWEPT = dict.fromkeys(contract.ENTITIES, "a file holds what is new, not everything there is")


class Settings(base.Settings):
    """Which folder, which of its files, and what they look like where they do not say it themselves."""

    kind: Literal["files"]
    folder: str = Field(min_length=1)
    files: str = Field(pattern=r"^[^/].*$")
    format: Literal["csv", "json_lines", "parquet"] | None = None  # None: as the name ends, or CSV
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    max_ratio: int = Field(default=200, ge=2)  # of what a packed file holds to its size
    max_gigabytes: float = Field(default=20, gt=0)  # that a packed file may hold

    @field_validator("files")
    @classmethod
    def _below_the_folder(cls, value: str) -> str:
        """`files` are names below the folder."""
        if ".." in value.split("/"):
            raise ValueError(f"is '{value}'; accepted: names below the folder, e.g. *.csv or 2026-*/*.csv")
        return value

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, value: str) -> str:
        """`delimiter` is no quote and no end of a line."""
        if value in '"\r\n\ufeff\0':
            raise ValueError('is no character that separates columns; accepted: e.g. ";" or "\\t"')
        return value

    @field_validator("encoding")
    @classmethod
    def _of_text(cls, value: str) -> str:
        """`encoding` is one that Python knows, such as cp1252 or gb18030."""
        try:
            "".encode(value)
            return codecs.lookup(value).name
        except (LookupError, ValueError):
            raise ValueError(f"is '{value}'; accepted: e.g. utf-8, cp1252, utf-16, shift_jis, gb18030") from None

    def _check_entity(self, name: str, entity: Entity) -> None:
        super()._check_entity(name, entity)
        for key in ("table", "query", "cursor"):
            if getattr(entity, key) is not None:
                raise ValueError(f"entities.{name}: '{key}' is for databases; of files all that is new is read")

    @property
    def limits(self) -> Limits:
        """What a packed file may unpack to."""
        return Limits(self.max_ratio, int(self.max_gigabytes * 1e9))


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the drop folder; see the registry for the contract."""
    _require(name, source, connection)
    with _told_by(name):
        place = registry.at(source.folder, connection, source.connection)
        with place:
            files = search.find(place, source.files)
            for entity_name, entity in source.entities.items():
                drop = _Drop(name, place, source, entity, _wanted(source, entity_name, entity))
                yield entity_name, drop.extract(files, positions.get(entity_name))


def _require(name: str, source: Settings, connection: Connection | None) -> None:
    if source.connection and connection is None:
        raise ConfigError(
            f"source '{name}': connection '{source.connection}' is not configured. "
            f"Set AIRFLOW_CONN_{source.connection.upper()} or create it in Airflow."
        )
    folder = paths.state() / source.folder
    if not source.connection and not folder.is_dir():
        raise ConfigError(
            f"source '{name}': {folder} is not a folder. Create it, or mend 'folder' in config/sources.yml."
        )


@contextmanager
def _told_by(name: str) -> Iterator[None]:
    try:
        yield
    except PerennialError as error:
        raise type(error)(f"source '{name}': {error}") from None


def _wanted(source: Settings, name: str, entity: Entity) -> Wanted:
    required = {c.name for c in contract.ENTITIES[name].columns if c.required}
    needed = {c.from_ for name, c in entity.columns.items() if name in required and c.from_}
    needed -= {entity.unpivot.name, entity.unpivot.value} if entity.unpivot else set()
    needed |= {rule.column for rule in entity.exclude}  # without it nobody knows which rows count
    return Wanted(read_columns(entity.read, entity.unpivot), needed, source.delimiter, source.encoding)


@dataclass
class _Drop:
    """The files of a place, as one entity."""

    name: str
    place: Place
    source: Settings
    entity: Entity
    wanted: Wanted

    def extract(self, files: list[File], position: Any) -> Extract:
        memory, notes = Memory(position, self._reading()), []
        columns = [*self.entity.read, *OWN_COLUMNS]
        return Extract(
            columns=columns,
            tables=gathered(unpivoted(self._tables(files, memory, notes), columns, self.entity.unpivot)),
            position=lambda: memory.position(files),
            notes=notes,
        )

    def _reading(self) -> str:
        """How files are read, as a short text that changes with it."""
        how = self.source.model_dump(include={"format", "delimiter", "encoding", "max_ratio", "max_gigabytes"})
        text = json.dumps([how, self.wanted.columns], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _tables(self, files: list[File], memory: Memory, notes: list[str]) -> Iterator[pa.Table]:
        with _told_by(self.name):
            for file in files:
                if memory.is_read(file):
                    continue
                try:
                    with self.place.read(file.name) as stream:
                        yield from self._looked_into(file, stream, memory, notes)
                except FileNotFoundError:
                    notes.append(f"{file.name}: was taken away before it was read")

    def _looked_into(self, file: File, stream: BinaryIO, memory: Memory, notes: list[str]) -> Iterator[pa.Table]:
        before = content.stamp(stream)
        found = content.examine(stream, self.source.encoding, self.source.limits)
        if found.size != file.size:
            notes.append(f"{file.name}: is still being written, so it is read another night")
        elif memory.is_known(file, found):
            memory.note(file)
        elif twin := memory.twin(found):
            memory.add(file, found, problems=False)
            notes.append(f"{file.name}: holds what {twin} held, so it is not read again")
        else:
            told = Told(file.name, notes)
            yield from self._read(file, stream, found, told)
            if content.stamp(stream) != before:
                raise RetriableError(f"{self.place.where(file.name)}: was written to while it was read")
            memory.add(file, found, problems=told.problems > 0 or found.undecodable is not None)

    def _read(self, file: File, stream: BinaryIO, found: Content, told: Told) -> Iterator[pa.Table]:
        """Its rows; if it cannot be read, one row that says so."""
        try:
            if found.problem:
                raise Unreadable(found.problem)
            if found.undecodable and not found.is_parquet:
                told.notes.append(
                    f"{file.name}: is not {self.source.encoding} from line {found.undecodable} on; set `encoding`, "
                    "e.g. cp1252. Rows that need what cannot be read are rejected"
                )
            yield from self._reader(file, found)(stream, told)
        except Unreadable as error:
            rows = Rows(self.wanted, told)
            rows.add(None, error.line, str(error))
            told.notes.append(f"{file.name}{f':{error.line}' if error.line else ''}: {error}")
            yield from rows.rest()

    def _reader(self, file: File, found: Content) -> Callable[[BinaryIO, Told], Iterator[pa.Table]]:
        stem, ending = posixpath.splitext(file.name.lower())
        if ending in (".gz", ".zst", ".zstd"):
            ending = posixpath.splitext(stem)[1]
        form = self.source.format or ENDINGS.get(ending, "csv")
        if found.is_parquet:
            return lambda stream, told: parquet_rows.tables(stream, self.wanted, told, self.source.limits)
        if form == "parquet":
            raise Unreadable(parquet_rows.BROKEN)
        reader = delimited if form == "csv" else json_lines
        return lambda stream, told: reader.tables(content.plain(stream, found), self.wanted, told)
