"""Finding the files that others put into a place, in its folder and in folders below it."""

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from perennial.places.base import PART, File, Place

UNFINISHED = (PART, ".tmp")
ANY_DEPTH = "**"


def find(place: Place, pattern: str) -> list[File]:
    """The files whose name fits, by name: `*.csv`, `2026-*/orders_*.csv`, `**/*.csv`.

    What is hidden, or named like a file that is still being written, is none of them.
    """
    *folders, wanted = pattern.split("/")
    found = {
        file.name: file
        for folder in _folders(place, "", folders)
        for file in place.look(folder).files
        if _counts(file.name) and fnmatchcase(posixpath.basename(file.name), wanted)
    }
    return [found[name] for name in sorted(found)]


def _folders(place: Place, at: str, patterns: list[str]) -> Iterator[str]:
    if not patterns:
        yield at
        return
    first, *rest = patterns
    if first == ANY_DEPTH:
        yield from _folders(place, at, rest)
    elif not set(first) & set("*?["):
        yield from _folders(place, posixpath.join(at, first), rest)
        return
    for folder in place.look(at).folders:
        name = posixpath.basename(folder)
        if name.startswith("."):
            continue
        if first == ANY_DEPTH:
            yield from _folders(place, folder, patterns)
        elif fnmatchcase(name, first):
            yield from _folders(place, folder, rest)


def _counts(name: str) -> bool:
    base = posixpath.basename(name).lower()
    return not base.startswith(".") and not base.endswith(UNFINISHED)
