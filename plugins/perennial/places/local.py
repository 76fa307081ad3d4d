"""A folder of this machine, relative to the state folder or absolute.

What we write into, or expect files of others in, is made and readable by its owner only; looking changes nothing.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from perennial import paths
from perennial.connections import Connection
from perennial.places.base import PART, File, Listing, named

CONN_TYPES = (None,)


class Place:
    """Files appear by renaming."""

    write_once = False

    def __init__(self, folder: str, connection: Connection | None = None, name: str | None = None):
        self._root = paths.state() / folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def where(self, name: str) -> str:
        return str(self._root / name)

    def look(self, folder: str = "") -> Listing:
        path = self._root / folder
        with named(str(path)):
            if folder and not path.is_dir():
                return Listing()
            found = sorted(path.iterdir())
            files = [file for p in found if (file := _file(p, self._root))]
            # links to folders may lead in circles
            below = [p.relative_to(self._root).as_posix() for p in found if p.is_dir() and not p.is_symlink()]
        return Listing(files, below)

    def files(self, folder: str = "") -> list[File]:
        with named(str(self._root / folder)):
            self._private(folder)
        return self.look(folder).files

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        path = self._root / name
        with named(str(path), FileNotFoundError), path.open("rb") as stream:
            yield stream

    def write(self, name: str, content: BinaryIO) -> None:
        path = self._root / name
        part = path.with_name(path.name + PART)
        with named(str(path)):
            self._private(path.parent.relative_to(self._root).as_posix())
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

    def _private(self, folder: str) -> None:
        paths.private_folder(self._root)
        paths.private_folder(self._root / folder)


def _settle(folder: Path) -> None:
    """Let the new name outlive a power cut too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _file(path: Path, root: Path) -> File | None:
    """None for what is no file, or not there any more."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    name, changed_at = path.relative_to(root).as_posix(), datetime.fromtimestamp(found.st_mtime, UTC)
    # the time of the inode moves with every change, also where a copy keeps the time of the file
    return File(name, found.st_size, changed_at, str(found.st_ctime_ns))
