"""Audience files: one CSV per audience and night, with a manifest beside it.

    email_files:
      kind: files
      channel: email
      folder: audiences/email      # relative to the state folder, or absolute; readable by its owner only

Written to `.part` and renamed, the manifest last: a file with a manifest is whole. An empty audience writes its header.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from perennial import paths
from perennial.connections import Connection
from perennial.destinations import base

ADDRESS = {"email": "email", "sms": "phone"}
SCHEMA_VERSION = 1


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
        for change in delivery.changes:
            yield base.Outcome(change.member.customer_key, change.op, "done")

    def opt_outs(self, since: datetime | None) -> Iterator[base.OptOut]:
        """A folder knows of none."""
        return iter(())

    def readback(self, audience: str) -> Iterator[str] | None:
        """What became of a file is not known here."""
        return None


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
