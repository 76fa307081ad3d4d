"""The landing zone: immutable Parquet per source, entity and night, plus a manifest. It is the replay log.

`landing/<source>/<entity>/<as_of>/part-00000.parquet`, all columns text as the source delivered them, and
`manifest.json`, written last: a folder without it is the rest of a killed run and is written anew. Only an erasure
replaces files: under a manifest that names the one it supersedes.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from perennial import paths
from perennial.clock import wall_clock
from perennial.errors import FatalError

MANIFEST = "manifest.json"
REPLAY = ".replay-"  # of rows that were rejected before
ROWS_PER_FILE = 1_000_000


@dataclass(frozen=True)
class Batch:
    """One landed batch. `columns` are source columns in order; `position` is the cursor after it.

    `supersedes` is the sha256 of the manifest that this one replaced.
    """

    source: str
    entity: str
    as_of: str
    extracted_at: str
    rows: int
    bytes: int
    columns: list[str]
    position: dict[str, Any]
    files: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    supersedes: str | None = None

    @property
    def batch_id(self) -> str:
        """One batch per source, entity and night: landing or loading it again is the same batch."""
        return f"{self.source}.{self.entity}.{self.as_of}"

    @property
    def night(self) -> str:
        """The night it counts from; a replay has its number behind it in `as_of`."""
        return self.as_of.partition(REPLAY)[0]

    @property
    def is_replay(self) -> bool:
        """Whether these rows were rejected before, see warehouse/quarantine.py."""
        return REPLAY in self.as_of

    @property
    def sha256(self) -> str:
        """Hash of the whole manifest, hence of all rows."""
        told = asdict(self)
        if self.supersedes is None:  # as it was before there was such a thing
            del told["supersedes"]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def folder(source: str, entity: str, as_of: date | str) -> Path:
    """Where that batch lies."""
    return paths.state() / "landing" / source / entity / str(as_of)


def find(source: str, entity: str, as_of: date | str) -> Batch | None:
    """The complete batch of that night, or None."""
    manifest = folder(source, entity, as_of) / MANIFEST
    return Batch(**json.loads(manifest.read_text())) if manifest.exists() else None


def replays(source: str, entity: str, as_of: date) -> list[Batch]:
    """The complete replays that count from that night, in their order."""
    folders = folder(source, entity, as_of).parent.glob(f"{as_of}{REPLAY}*")
    numbers = sorted(int(path.name.partition(REPLAY)[2]) for path in folders)
    found = [find(source, entity, f"{as_of}{REPLAY}{number}") for number in numbers]
    return [batch for batch in found if batch]


@dataclass(frozen=True)
class Extract:
    """What a connector hands over: rows as text tables, and functions that are valid once all rows were read."""

    columns: Sequence[str]
    tables: Iterable[pa.Table | pa.RecordBatch]
    position: Any  # callable: the cursor after the last row
    notes: list[str] = field(default_factory=list)


def write(source: str, entity: str, as_of: date | str, extract: Extract) -> Batch:
    """Stream `extract` to the landing zone and seal it with its manifest."""
    target = folder(source, entity, as_of)
    if target.exists():
        shutil.rmtree(target)
    paths.private_folder(paths.state() / "landing")
    paths.private_folder(target)
    files, rows = [], 0
    schema = pa.schema([(name, pa.string()) for name in extract.columns])
    for number, chunk in enumerate(_chunks(extract.tables)):
        path = target / f"part-{number:05d}.parquet"
        count = _write_file(path, schema, chunk)
        rows += count
        files.append(
            {
                "name": path.name,
                "rows": count,
                "bytes": path.stat().st_size,
                "sha256": _sha256(path),
            }
        )
    batch = Batch(
        source=source,
        entity=entity,
        as_of=str(as_of),
        extracted_at=wall_clock().isoformat(),  # after the last row was read
        rows=rows,
        bytes=sum(f["bytes"] for f in files),
        columns=list(extract.columns),
        position=extract.position(),
        files=files,
        notes=extract.notes,
    )
    _seal(target, batch)
    return batch


def everything() -> Iterator[Batch]:
    """Every complete batch, in the order of its folders."""
    for manifest in sorted((paths.state() / "landing").glob(f"*/*/*/{MANIFEST}")):
        yield Batch(**json.loads(manifest.read_text()))


def supersede(batch: Batch, edit: Callable[[pa.Table, int], pa.Table]) -> Batch:
    """Replace the rows by what `edit` makes of them (given the number of the first, from 0) under a new manifest.

    The same rows in the same number and order of columns; where `edit` returns what it was given everywhere, nothing is
    written. The old files go when the new manifest is in place; what a crash left of either goes the next time.
    """
    target = folder(batch.source, batch.entity, batch.as_of)
    entries, first = [], 0
    for entry in batch.files:
        entries.append(_edited(target, batch, entry, first, edit))
        first += entry["rows"]
    if entries != batch.files:
        total = sum(entry["bytes"] for entry in entries)
        batch = replace(batch, files=entries, bytes=total, supersedes=batch.sha256)
        _seal(target, batch)
    named = {entry["name"] for entry in batch.files} | {MANIFEST}
    for path in target.iterdir():
        if path.name not in named and path.suffix in (".parquet", ".part"):
            path.unlink()
    return batch


def _edited(target: Path, batch: Batch, entry: dict[str, Any], first: int, edit: Callable) -> dict[str, Any]:
    """The entry of the file as it is now; read once to see whether there is anything to edit, and once more to edit."""

    def edited() -> Iterator[tuple[pa.Table, bool]]:
        row = first
        for rows in _read(target / entry["name"], entry):
            table = pa.Table.from_batches([rows])
            made = edit(table, row)
            yield made.select(batch.columns), made is not table
            row += table.num_rows

    if not any(changed for _, changed in edited()):
        return entry
    stem, _, number = entry["name"].removesuffix(".parquet").partition(".")
    path = target / f"{stem}.{int(number or 0) + 1}.parquet"
    schema = pa.schema([(name, pa.string()) for name in batch.columns])
    _write_file(path, schema, (table for table, _ in edited()))
    return {"name": path.name, "rows": entry["rows"], "bytes": path.stat().st_size, "sha256": _sha256(path)}


def _seal(target: Path, batch: Batch) -> None:
    told = asdict(batch)
    if batch.supersedes is None:
        del told["supersedes"]
    part = target / f"{MANIFEST}.part"
    part.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    part.rename(target / MANIFEST)


def read(batch: Batch, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of a batch, or these columns; FatalError if a file is missing or not what the manifest says."""
    base = folder(batch.source, batch.entity, batch.as_of)
    for entry in batch.files:
        yield from _read(base / entry["name"], entry, columns)


def tables(batch: Batch) -> Iterator[pa.Table]:
    """The same as tables of one record batch each."""
    return (pa.Table.from_batches([rows]) for rows in read(batch))


def _read(path: Path, entry: dict[str, Any], columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    if not path.exists() or _sha256(path) != entry["sha256"]:
        raise FatalError(
            f"{path}: missing or changed since it was landed (sha256 differs from {MANIFEST}). "
            "Landed files are never edited: restore the folder from a backup."
        )
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=32_768, columns=columns)


def distinct(batch: Batch, column: str) -> list[str]:
    """What stands in a column of a batch, each once."""
    return sorted({v for rows in read(batch, [column]) for v in rows.column(0).unique().to_pylist() if v is not None})


def _chunks(tables: Iterable[Any]) -> Iterator[Iterator[Any]]:
    """Split a stream of tables into streams of about ROWS_PER_FILE rows, without holding any of them."""
    stream = iter(tables)

    def chunk(first: Any) -> Iterator[Any]:
        rows = first.num_rows
        yield first
        while rows < ROWS_PER_FILE and (table := next(stream, None)) is not None:
            rows += table.num_rows
            yield table

    while (first := next(stream, None)) is not None:
        yield chunk(first)


def _write_file(path: Path, schema: pa.Schema, chunk: Iterator[Any]) -> int:
    part = path.with_suffix(".parquet.part")
    rows = 0
    # texts pack better and faster as they are; nobody asks the statistics
    plain = {"use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(part, schema, compression="zstd", **plain) as writer:
        for table in chunk:
            rows += table.num_rows
            if isinstance(table, pa.RecordBatch):
                writer.write_batch(table)
            else:
                writer.write_table(table)
    part.rename(path)
    return rows


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
