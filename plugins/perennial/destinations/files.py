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
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from perennial import paths
from perennial.config.destinations import Destination

ADDRESS = {"email": "email", "sms": "phone"}
SCHEMA_VERSION = 1


def deliver(
    destination: Destination, audience: str, as_of: date, members: Iterable[dict[str, Any]]
) -> tuple[Path, int, str]:
    """Write one audience; returns the file, its rows and its sha256. Writing the same members again changes nothing.

    A member is a dict with customer_key, the channel's address, stage and tier.
    """
    folder = paths.private_folder(paths.state() / destination.folder / str(as_of))
    columns = ["customer_key", ADDRESS[destination.channel], "stage", "abc_tier"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    rows = 0
    for member in members:
        writer.writerow(member)
        rows += 1
    content = text.getvalue().encode()
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{audience}.csv"
    manifest = {
        "audience": audience,
        "as_of": str(as_of),
        "channel": destination.channel,
        "rows": rows,
        "sha256": digest,
        "columns": columns,
        "schema_version": SCHEMA_VERSION,
    }
    _replace(path, content)
    _replace(path.with_suffix(".manifest.json"), json.dumps(manifest, indent=1).encode())
    return path, rows, digest


def _replace(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.rename(path)
