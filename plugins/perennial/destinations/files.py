"""Audience files: one table per audience and night with everybody in it, and a manifest beside it.

    email_files:
      kind: files
      channel: email
      folder: audiences/email      # here, relative to the state folder, or absolute; readable by its owner only
    klaviyo_drop:
      kind: files
      channel: email
      connection: klaviyo_sftp     # to a server (sftp), or to a bucket (aws): then `folder` is bucket/folder
      folder: perennial
      preset: klaviyo              # columns as that importer wants them: see layouts.py
      layout: {bom: true}          # and what is to be different; every key of a layout
      path: "{as_of}/{audience}"   # of the file, in that folder
      manifest: "{as_of}/{audience}"

Who is not in the newest file does not belong to the audience any more. A file appears under its name when it is whole,
and after it its manifest, with its sha256, and the day after which nobody should act on it. An empty audience writes
its header. The same night again writes the same bytes, which changes nothing. If it came out otherwise, the file is
replaced, or, in a bucket, where nothing is, followed by `<audience>.2.csv` and so on: the highest number counts.

Who opted out elsewhere is told by CSV files in the folder `optouts`: see opt_out_files.py.
"""

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from perennial.connections import Connection
from perennial.destinations import base, opt_out_files, tables
from perennial.destinations.layouts import PRESETS, Layout
from perennial.entry import Misplaced
from perennial.errors import FatalError, RetriableError
from perennial.places import registry
from perennial.places.base import Place, scratch

SCHEMA_VERSION = 2
OPT_OUTS = "optouts"
MANIFEST = ".manifest.json"
PATH = r"^(([A-Za-z0-9_-]|\{as_of\}|\{audience\})+/)*([A-Za-z0-9_-]|\{as_of\}|\{audience\})+$"


class Settings(base.Settings):
    """Where the files are put, and what they look like."""

    kind: Literal["files"]
    folder: str = Field(min_length=1)
    preset: Literal[tuple(PRESETS)] = "generic"
    layout: dict[str, Any] = Field(default_factory=dict)  # keys of a layout, on top of the preset
    path: str = Field(default="{as_of}/{audience}", pattern=PATH)
    manifest: str = Field(default="{as_of}/{audience}", pattern=PATH)

    @property
    def tells_of(self) -> tuple[base.Channel, ...]:
        """A file of opt-outs may have addresses and numbers."""
        return ("email", "sms")

    @property
    def target(self) -> str:
        """Two destinations in one folder would overwrite each other's files."""
        return f"{self.connection}:{self.folder}" if self.connection else self.folder

    @property
    def form(self) -> Layout:
        """The preset with what is different."""
        return Layout.model_validate(PRESETS[self.preset] | self.layout)

    @field_validator("path", "manifest")
    @classmethod
    def _one_each(cls, value: str) -> str:
        """`path` and `manifest` have {audience} in them."""
        if "{audience}" not in value:
            raise ValueError("lacks {audience}: every audience would overwrite the last one")
        return value

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        """The layout has a column for the channel, and below its headers nothing that is not known."""
        try:
            problem = self.form.problem(self.channel, self.attributes)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"unknown; accepted: {', '.join(Layout.model_fields)}"
            message = what if first["type"] == "extra_forbidden" else first["msg"]
            raise Misplaced(f"{'.'.join(map(str, first['loc']))}: {message}", "layout") from None
        if problem:
            raise Misplaced(f"{self.preset}: {problem}", "layout" if self.layout else "preset")
        return self


class Destination:
    """A folder somewhere, and in it a file per night and audience."""

    at_most_once = False

    def __init__(self, settings: Settings, connection: Connection | None):
        self.settings = settings
        self.receipt: dict = {}
        self._connection = connection

    def deliver(self, delivery: base.Delivery) -> Iterator[base.Whole]:
        """Write everybody who belongs to the audience; the same members again change nothing."""
        form, channel = self.settings.form, self.settings.channel
        with self._place() as place, scratch() as file:
            table = tables.write(file, form, channel, delivery, _kinds(form))
            digest = _digest(file)
            manifest = {
                "audience": delivery.audience,
                "as_of": str(delivery.as_of),
                "valid_until": str(delivery.valid_until),
                "channel": channel,
                "holds": "everybody",  # who is not in it does not belong to it any more
                "preset": self.settings.preset,
                "format": form.format,
                "rows": table.rows,
                "bytes": file.seek(0, io.SEEK_END),
                "sha256": digest,
                "columns": table.headers,
                "neutralised": table.neutralised,
                "refused": len(table.refused),
                "schema_version": SCHEMA_VERSION,
            }
            name = self._put(place, delivery, file, manifest)
            self.receipt = {"path": place.where(name), "rows": table.rows, "sha256": digest}
        if table.refused:
            self.receipt["refused"] = len(table.refused)
        yield base.Whole(table.refused)

    def opt_outs(self, since: datetime | None) -> Iterator[base.OptOut]:
        """Everybody in the files of `optouts`, whenever they came; FatalError names file and line."""
        with self._place() as place:
            for file in place.files(OPT_OUTS):
                if file.name.endswith(".csv"):
                    with place.read(file.name) as stream:
                        yield from opt_out_files.read(stream, file.changed_at, place.where(file.name))

    def readback(self, audience: str) -> Iterator[str] | None:
        """What became of a file is not known here."""
        return None

    @contextmanager
    def written(self, as_of: date, audience: str, receipt: dict[str, Any]) -> Iterator[BinaryIO]:
        """The file that a receipt of ours names, from its beginning; FatalError if it is gone or another one now.

        It is looked for where we put files, among those that stand there: no receipt leads anywhere else.
        """
        folder = posixpath.dirname(self.settings.path.format(as_of=as_of, audience=audience))
        with self._place() as place:
            names = [file.name for file in place.look(folder).files if place.where(file.name) == receipt.get("path")]
            if not names:
                raise FatalError(f"{place.where(folder)}: no file of {audience} any more; export it again")
            with place.read(names[0]) as stream:
                if _digest(stream) != receipt["sha256"]:
                    raise FatalError(f"{place.where(names[0])} was changed since it was written; export it again")
                stream.seek(0)
                yield stream

    def _place(self) -> Place:
        return registry.at(self.settings.folder, self._connection, self.settings.connection)

    def _put(self, place: Place, delivery: base.Delivery, file: BinaryIO, manifest: dict[str, Any]) -> str:
        """Put file and manifest there unless they are; returns the name of the file."""
        stem, beside = (
            template.format(as_of=delivery.as_of, audience=delivery.audience)
            for template in (self.settings.path, self.settings.manifest)
        )
        ending = f".{self.settings.form.format}"
        number = _newest(place, stem, ending) if place.write_once else 1
        while True:
            nth = "" if number == 1 else f".{number}"
            name = stem + nth + ending
            told = json.dumps(manifest | {"file": posixpath.basename(name)}, ensure_ascii=False, indent=1)
            pair = [(name, file), (beside + nth + MANIFEST, io.BytesIO(told.encode()))]
            stands = [_same(place, *one) for one in pair]
            if False in stands and place.write_once:
                number += 1
                continue
            for one, is_there in zip(pair, stands, strict=True):
                if not is_there:
                    _write(place, *one)
            return name


def _newest(place: Place, stem: str, ending: str) -> int:
    """The highest number that a file of that name has there, 1 if there is none."""
    numbered = re.compile(re.escape(stem) + r"\.(\d+)" + re.escape(ending))
    found = [numbered.fullmatch(file.name) for file in place.files(posixpath.dirname(stem))]
    return max((int(match[1]) for match in found if match), default=1)


def _write(place: Place, name: str, content: BinaryIO) -> None:
    content.seek(0)
    try:
        place.write(name, content)
    except FileExistsError:
        if not _same(place, name, content):  # not an answer to this call that was lost on its way
            raise RetriableError(f"{place.where(name)}: somebody else wrote it at the same time") from None


def _same(place: Place, name: str, content: BinaryIO) -> bool | None:
    """Whether that is what stands there; None if nothing does."""
    try:
        with place.read(name) as stream:
            return _digest(stream) == _digest(content)
    except FileNotFoundError:
        return None


def _digest(stream: BinaryIO) -> str:
    stream.seek(0)
    return hashlib.file_digest(stream, "sha256").hexdigest()


def _kinds(form: Layout) -> dict[str, str]:
    """Which attributes are no text, where the format wants to know it."""
    if form.format == "csv":
        return {}
    from perennial.config.columns import columns  # which reads config/, and that needs the destinations

    return columns()
