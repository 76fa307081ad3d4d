"""Reports, logs and what dbt compiled: they name customers by key, and a key is replaced by one as long, in place.

What was written for her to take away is deleted.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from perennial import paths
from perennial.erasure.person import Person
from perennial.erasure.words import pattern

PERSONS = "persons"  # where `perennial export-person` writes
FOLDERS = ("report", "logs", "dbt", "airflow/logs", PERSONS)


def clean(person: Person) -> int:
    """Files in which a key of hers was replaced, and what was written for her to take away."""
    changed = 0
    for key in person.keys:
        written = file_of(paths.state() / PERSONS, key)
        changed += written.exists()
        written.unlink(missing_ok=True)
    for path in _files():
        content = path.read_bytes()
        made = content
        for old, new in person.replaced.items():
            made = made.replace(old.encode(), new.encode())
        if made != content:
            with path.open("r+b") as stream:  # whoever writes to a log goes on doing so
                stream.write(made)
            changed += 1
    return changed


def look(person: Person) -> tuple[int, int]:
    """Files looked through, and how many of them hold her."""
    keys = "|".join(person.replaced) or "(?!)"
    words = pattern(person.words) or "(?!)"
    hers = re.compile(f"({keys})|({words})".encode(), re.IGNORECASE)
    found = [hers.search(path.read_bytes()) is not None for path in _files()]
    return len(found), sum(found)


def file_of(folder: Path, key: str) -> Path:
    """The file of `perennial export-person`."""
    return folder / f"person-{key}.json"


def _files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (p for p in sorted((paths.state() / folder).rglob("*")) if p.is_file() and not p.is_symlink())
