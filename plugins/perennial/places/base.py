"""What a place is: a folder of files, here, on a server or in a bucket, that is read and written in the same way.

A place is one module of this package with

    CONN_TYPES   the types of Airflow's connections that lead to it; no connection leads to a folder here
    Place        made of a folder, that connection and its name; a context manager; see the protocol below

A file appears under its name only when all of it is there. Where others put files, they are found by `search.py`.
"""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, ClassVar, Protocol, Self

from perennial import paths
from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError

PART = ".part"  # ends the name of a file that is not whole yet
# what only a person can mend
MENDABLE = {
    errno.EACCES: "give the right to read and write there",
    errno.EPERM: "give the right to read and write there",
    errno.EROFS: "choose a place that can be written",
    errno.ENOTDIR: "a file stands where a folder is meant; choose another folder",
    errno.EEXIST: "a file stands where a folder is meant; choose another folder",
    errno.EISDIR: "a folder stands where a file is meant; move it away",
    errno.ENOENT: "make that folder, or name another",
    errno.ENAMETOOLONG: "choose a shorter path",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file of a place; its name holds the folders below the place's own."""

    name: str
    size: int  # bytes
    changed_at: datetime  # with zone
    tag: str = ""  # changes with the content, where the place has such a thing


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds; names hold the folders below the place's own."""

    files: list[File] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


class Place(Protocol):
    """A folder somewhere. Errors: RetriableError for a passing fault, FatalError for one that a person has to mend."""

    write_once: ClassVar[bool]  # what stands there is never replaced

    def __init__(self, folder: str, connection: Connection | None, name: str | None): ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def where(self, name: str) -> str:
        """How a person finds the file."""
        ...

    def look(self, folder: str = "") -> Listing:
        """What stands in a folder, by name, and nothing if there is no such folder; nothing is made or changed."""
        ...

    def files(self, folder: str = "") -> list[File]:
        """The files of a folder of ours, without those in folders below it."""
        ...

    def read(self, name: str) -> AbstractContextManager[BinaryIO]:
        """The whole file, from its beginning; FileNotFoundError if there is none."""
        ...

    def write(self, name: str, content: BinaryIO) -> None:
        """Put a file there, with the folders it needs; FileExistsError if the place is write-once and has it."""
        ...


@contextmanager
def named(where: str, *expected: type[OSError]) -> Iterator[None]:
    """Errors of the operating system say where they happened and what to do; `expected` ones pass as they are."""
    try:
        yield
    except expected:
        raise
    except OSError as error:
        said = f"{where}: {error.strerror or error}"
        if error.errno in MENDABLE:
            raise FatalError(f"{said}; {MENDABLE[error.errno]}") from None
        raise RetriableError(f"{said}; it is tried again with the next run") from None


@contextmanager
def scratch() -> Iterator[BinaryIO]:
    """A file without a name, for contact details on their way: nothing is left of it, whatever happens."""
    folder = paths.private_folder(paths.state() / "scratch")
    passing = (FileNotFoundError, FileExistsError)  # of the place that is read or written meanwhile
    with named(str(folder), *passing), tempfile.TemporaryFile(dir=folder) as file:
        yield file


def missing(package: str, extra: str) -> ConfigError:
    """The error for a package that this kind of place needs and that is not installed."""
    return ConfigError(
        f"{package} is not installed. Install perennial[{extra}], or what requirements.lock names: it has {package}."
    )
