"""Audience files without her: the other lines stay to the byte, and manifest and receipt tell the new sha256.

Also the files of opt-outs that lie beside them. In a bucket nothing is replaced; what is to be done there is said.
"""

import csv
import hashlib
import io
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import parquet

from perennial.config import Config
from perennial.connections import Lookup
from perennial.destinations import files, registry
from perennial.erasure.person import Person
from perennial.places import registry as places
from perennial.places.base import PART, Place
from perennial.warehouse.database import as_json, connect

LINE = re.compile(r"[^\n]*\n|[^\n]+")
EXPECTED = "update pii.erasing set files = files || %s where erasure = %s"
RECEIPT = """
    update activation.export_runs set receipt = receipt || %s
    where receipt ->> 'sha256' = %s and receipt ->> 'path' = %s
"""


@dataclass(frozen=True)
class Found:
    """What was looked through, what was written anew, and where she stays until a person does something."""

    scanned: int
    rewritten: int
    by_hand: list[str]


def clean(erasure: str, person: Person, config: Config, lookup: Lookup) -> Found:
    """Take her out of the files of every destination of kind `files`."""
    scanned, rewritten, by_hand = 0, 0, []
    for name, settings in config.destinations.destinations.items():
        if not isinstance(settings, files.Settings):
            continue
        with places.at(settings.folder, registry.connected(name, settings, lookup), settings.connection) as place:
            one = _Folder(erasure, settings, place, forms(person))
            one.clean()
        scanned, rewritten = scanned + one.scanned, rewritten + one.rewritten
        by_hand += one.by_hand
    return Found(scanned, rewritten, by_hand)


def look(person: Person, config: Config, lookup: Lookup) -> tuple[int, int]:
    """Files of all destinations, and how many of them hold her."""
    scanned = hits = 0
    for name, settings in config.destinations.destinations.items():
        if isinstance(settings, files.Settings):
            with places.at(settings.folder, registry.connected(name, settings, lookup), settings.connection) as place:
                for file in _all(place, ""):
                    scanned += 1
                    hits += without(file, _bytes(place, file), _delimiter(settings, file), forms(person)) is not None
    return scanned, hits


def forms(person: Person) -> set[str]:
    """What a cell says that is hers: keys, and addresses as layouts write them, in small letters."""
    words = {word.lower() for word in person.words} | set(person.keys) | {a.said.lower() for a in person.addresses}
    phones = {a.said.removeprefix("+") for a in person.addresses if a.kind == "phone"}
    return words | phones


def without(name: str, content: bytes, delimiter: str, hers: set[str]) -> tuple[bytes, int] | None:
    """The file without her lines, and how many are left; None if she is not in it."""
    if name.endswith(".parquet"):
        return _parquet(content, hers)
    if not name.endswith(".csv"):
        return None
    lines, kept, rows, begins = LINE.findall(content.decode("utf-8-sig")), [], 0, 0
    reader = csv.reader(iter(lines), delimiter=delimiter)
    for row in reader:
        raw, begins = lines[begins : reader.line_num], reader.line_num
        if any(cell.strip().lstrip("'").lower() in hers for cell in row):
            continue
        kept += raw
        rows += 1
    if len(kept) == len(lines):
        return None
    mark = "\ufeff" if content.startswith("\ufeff".encode()) else ""
    return (mark + "".join(kept)).encode(), max(rows - 1, 0)


def _parquet(content: bytes, hers: set[str]) -> tuple[bytes, int] | None:
    table = parquet.read_table(io.BytesIO(content))
    stays = [not any(isinstance(c, str) and c.lower() in hers for c in row.values()) for row in table.to_pylist()]
    if all(stays):
        return None
    kept = table.filter(pa.array(stays, pa.bool_()))
    out = io.BytesIO()
    parquet.write_table(kept, out, compression="zstd")
    return out.getvalue(), kept.num_rows


class _Folder:
    """The files of one destination."""

    def __init__(self, erasure: str, settings: files.Settings, place: Place, hers: set[str]):
        self.scanned, self.rewritten, self.by_hand = 0, 0, []
        self._erasure, self._settings, self._place, self._hers = erasure, settings, place, hers

    def clean(self) -> None:
        manifests = {}
        every = list(_all(self._place, ""))
        for name in every:
            if name.endswith(files.MANIFEST):
                told = json.loads(_bytes(self._place, name))
                stem = self._settings.path.format(as_of=told["as_of"], audience=told["audience"])
                manifests[posixpath.join(posixpath.dirname(stem), told["file"])] = (name, told)
        for name in every:
            if name.endswith((".csv", ".parquet")):
                self._one(name, *manifests.get(name, (None, None)))
            self.scanned += 1

    def _one(self, name: str, beside: str | None, manifest: dict | None) -> None:
        content = _bytes(self._place, name)
        made = without(name, content, _delimiter(self._settings, name), self._hers)
        if made is None:
            self._finish(name, content, beside, manifest)
            return
        if self._place.write_once:
            self.by_hand.append(
                f"{self._place.where(name)}: nothing is replaced there; delete this file, in all versions"
            )
            return
        clean, _ = made
        self._expect(name, clean)
        self._place.write(name, io.BytesIO(clean))
        self.rewritten += 1
        self._finish(name, clean, beside, manifest)

    def _expect(self, name: str, clean: bytes) -> None:
        """Note what the file will be, so that an interrupted try is told from a file that somebody changed."""
        with connect() as notes:
            notes.execute(EXPECTED, [as_json({self._place.where(name): _sha256(clean)}), self._erasure])

    def _finish(self, name: str, content: bytes, beside: str | None, manifest: dict | None) -> None:
        """Let manifest and receipt tell of the file, if it is one of ours that was written here."""
        where, digest = self._place.where(name), _sha256(content)
        if not manifest or manifest["sha256"] == digest:
            return
        asked = "select files ->> %s as sha256 from pii.erasing where erasure = %s"
        with connect() as notes:
            if notes.execute(asked, [where, self._erasure]).fetchone()["sha256"] != digest:
                return
        rows = _rows(name, content, self._settings.form.delimiter)
        told = manifest | {"rows": rows, "bytes": len(content), "sha256": digest}
        with connect() as notes:
            notes.execute(RECEIPT, [as_json({"rows": rows, "sha256": digest}), manifest["sha256"], where])
        self._place.write(beside, io.BytesIO(json.dumps(told, ensure_ascii=False, indent=1).encode()))


def _rows(name: str, content: bytes, delimiter: str) -> int:
    if name.endswith(".parquet"):
        return parquet.ParquetFile(io.BytesIO(content)).metadata.num_rows
    return sum(1 for _ in csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter)) - 1


def _delimiter(settings: files.Settings, name: str) -> str:
    """That of the layout; files of opt-outs have their own, see destinations/opt_out_files.py."""
    return "," if name.startswith(f"{files.OPT_OUTS}/") else settings.form.delimiter


def _all(place: Place, folder: str) -> Iterator[str]:
    if not folder:
        place.files()  # nothing may have been written there yet
    found = place.look(folder)
    yield from (file.name for file in found.files if not file.name.endswith(PART))
    for below in found.folders:
        yield from _all(place, below)


def _bytes(place: Place, name: str) -> bytes:
    with place.read(name) as stream:
        return stream.read()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
