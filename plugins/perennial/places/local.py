"""A folder of this machine, relative to the state folder or absolute; readable by its owner only."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from perennial import paths
from perennial.connections import Connection
from perennial.places.base import PART, File, named

CONN_TYPES = (None,)


class Place:
    """Files appear by renaming. Folders are made when they are first looked into or written to."""

    write_once = False

    def __init__(self, folder: str, connection: Connection | None = None, name: str | None = None):
        self._root = paths.state() / folder

    def __enter__(self) -> Self:
        with named(str(self._root)):
            paths.private_folder(self._root)
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def where(self, name: str) -> str:
        return str(self._root / name)

    def files(self, folder: str = "") -> list[File]:
        path = self._root / folder
        with named(str(path)):
            paths.private_folder(path)
            found = sorted(p for p in path.iterdir() if p.is_file())
            return [_file(p, self._root) for p in found]

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        path = self._root / name
        with named(str(path), FileNotFoundError), path.open("rb") as stream:
            yield stream

    def write(self, name: str, content: BinaryIO) -> None:
        path = self._root / name
        part = path.with_name(path.name + PART)
        with named(str(path)):
            paths.private_folder(path.parent)
            try:
                with part.open("wb") as file:
                    shutil.copyfileobj(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(path)
            except OSError:
                part.unlink(missing_ok=True)  # a full disk needs the room
                raise
            _settle(path.parent)


def _settle(folder: Path) -> None:
    """Let the new name outlive a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _file(path: Path, root: Path) -> File:
    found = path.stat()
    return File(path.relative_to(root).as_posix(), found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
