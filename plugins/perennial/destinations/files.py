"""Audience files: one CSV per audience and night, with a manifest beside it.

    email_files:
      kind: files
      channel: email
      folder: audiences/email      # relative to the state folder, or absolute; readable by its owner only

Written to `.part` and renamed, the manifest last: a file with a manifest is whole. An empty audience writes its header.

Who opted out elsewhere is told by CSV files in the folder `optouts` beside the nights: a column `email` or `phone`, and
if known `reason` (unsubscribed, complaint, bounced, blocked) and `at` (ISO 8601 with zone).
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from perennial import paths
from perennial.connections import Connection
from perennial.destinations import base
from perennial.errors import FatalError

ADDRESS = {"email": "email", "sms": "phone"}
SCHEMA_VERSION = 1
COLUMNS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "phone": re.compile(r"\+[1-9][0-9]{6,14}")}
CHANNEL: dict[str, base.Channel] = {"email": "email", "phone": "sms"}
REASONS = get_args(base.Reason)


class Settings(base.Settings):
    """Where the files are put."""

    kind: Literal["files"]
    folder: str

    @property
    def target(self) -> str:
        return self.folder


class Destination:
    """A folder per night, in it a file per audience."""

    at_most_once = False

    def __init__(self, settings: Settings, connection: Connection | None):
        self.settings = settings
        self.receipt: dict = {}

    def deliver(self, delivery: base.Delivery) -> Iterator[base.Outcome]:
        """Write everybody who belongs to the audience; the same members again change nothing."""
        folder = paths.private_folder(paths.state() / self.settings.folder / str(delivery.as_of))
        path = folder / f"{delivery.audience}.csv"
        columns = ["customer_key", ADDRESS[self.settings.channel], *delivery.attributes]
        rows, digest = _write(path, columns, delivery)
        manifest = {
            "audience": delivery.audience,
            "as_of": str(delivery.as_of),
            "valid_until": str(delivery.valid_until),
            "channel": self.settings.channel,
            "rows": rows,
            "sha256": digest,
            "columns": columns,
            "schema_version": SCHEMA_VERSION,
        }
        _replace(path.with_suffix(".manifest.json"), json.dumps(manifest, indent=1).encode())
        self.receipt = {"path": str(path), "rows": rows, "sha256": digest}
        for change in delivery.changes:
            yield base.Outcome(change.member.customer_key, change.op, "done")

    def opt_outs(self, since: datetime | None) -> Iterator[base.OptOut]:
        """Everybody in the files of `optouts`, whenever they came; FatalError names file and line."""
        folder = paths.private_folder(paths.state() / self.settings.folder / "optouts")
        for path in sorted(folder.glob("*.csv")):
            yield from _opt_outs(path)

    def readback(self, audience: str) -> Iterator[str] | None:
        """What became of a file is not known here."""
        return None


def _opt_outs(path: Path) -> Iterator[base.OptOut]:
    delivered = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        known = [name for name in COLUMNS if name in (reader.fieldnames or [])]
        if not known:
            raise FatalError(f"{path}: no column `email` or `phone`; add a header, and who opted out below it")
        for row in reader:
            for name in known:
                if row[name] and row[name].strip():
                    yield _opt_out(row, name, delivered, f"{path}:{reader.line_num}")


def _opt_out(row: dict[str, str], column: str, delivered: datetime, place: str) -> base.OptOut:
    address, reason, at = row[column].strip().lower(), row.get("reason") or "unsubscribed", row.get("at")
    if not COLUMNS[column].fullmatch(address):
        raise FatalError(f"{place}: the {column} is none (not shown); nothing is exported until it is mended")
    if reason not in REASONS:
        raise FatalError(f"{place}: reason {reason!r}; accepted: {', '.join(REASONS)}")
    try:
        moment = datetime.fromisoformat(at) if at else delivered
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise FatalError(f"{place}: at {at!r} is no moment; write 2017-09-30T18:00:00+02:00, or leave it out") from None
    return base.OptOut(address, CHANNEL[column], reason, moment)


def _write(path: Path, columns: list[str], delivery: base.Delivery) -> tuple[int, str]:
    part, digest, rows = path.with_name(path.name + ".part"), hashlib.sha256(), 0
    with part.open("wb") as file:
        for row in [columns], ([m.customer_key, m.address, *_values(m, delivery)] for m in delivery.members()):
            for values in row:
                line = io.StringIO()
                csv.writer(line, lineterminator="\n").writerow(values)
                content = line.getvalue().encode()
                digest.update(content)
                file.write(content)
                rows += 1
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest.hexdigest():
        part.unlink()
    else:
        part.rename(path)
    return rows - 1, digest.hexdigest()


def _values(member: base.Member, delivery: base.Delivery) -> list:
    return [member.attributes[name] for name in delivery.attributes]


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.rename(path)
