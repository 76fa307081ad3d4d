"""Who opted out elsewhere, told by CSV files: a column `email` or `phone`, and if known `reason` and `at`."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, get_args

from perennial.destinations import base
from perennial.errors import FatalError

COLUMNS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "phone": re.compile(r"\+[1-9][0-9]{6,14}")}
CHANNEL: dict[str, base.Channel] = {"email": "email", "phone": "sms"}
REASONS = get_args(base.Reason)


def read(stream: BinaryIO, delivered: datetime, where: str) -> Iterator[base.OptOut]:
    """Everybody in a file; without `at` it happened when the file was delivered. FatalError names file and line."""
    reader = csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
    try:
        known = [name for name in COLUMNS if name in (reader.fieldnames or [])]
        if not known:
            raise FatalError(f"{where}: no column `email` or `phone`; add a header, and who opted out below it")
        for row in reader:
            for name in known:
                if row[name] and row[name].strip():
                    yield _opt_out(row, name, delivered, f"{where}:{reader.line_num}")
    except (UnicodeDecodeError, csv.Error):
        raise FatalError(f"{where}: is not CSV in UTF-8; nothing is exported until it is mended") from None


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
