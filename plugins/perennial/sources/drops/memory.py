"""Which files were read: kept in the cursor, per entity, with what is needed to tell a file that changed.

A file is known by its name. It is looked into again when size, time or tag differ, and read again when its content
does. The same content under another name is not read twice, unless other files were read in between: then it may be
meant to undo them. Files that are gone are remembered too, so that they may return; only the newest of them, so that
the cursor does not grow for ever.
"""

from typing import Any

from perennial.clock import wall_clock
from perennial.places.base import File
from perennial.sources.cursor import CLOCK_DRIFT
from perennial.sources.drops.content import Content

REMEMBERED = 1_000  # files that are gone
Entry = dict[str, Any]


class Memory:
    """The files read so far; `reading` names how they are read, for those that were of no use that way."""

    def __init__(self, position: Any, reading: str) -> None:
        stored = (position or {}).get("files", {})
        # earlier versions kept the hash only
        self.known: dict[str, Entry] = {n: {"sha256": e} if isinstance(e, str) else e for n, e in stored.items()}
        self.reading = reading
        newest = max(self.known, key=self._number, default=None)
        self._last = newest if newest and self._number(newest) else None

    def position(self, present: list[File]) -> Entry:
        """What to store: every file that is there, and the newest of the others."""
        here = {file.name for file in present}
        gone = sorted((name for name in self.known if name not in here), key=self._number)
        dropped = set(gone[: max(0, len(gone) - REMEMBERED)])
        return {"files": {name: entry for name, entry in self.known.items() if name not in dropped}}

    def is_read(self, file: File) -> bool:
        """Whether nothing about the file has changed, so that nobody has to look into it."""
        entry = self.known.get(file.name)
        return entry is not None and self._usable(entry) and "fresh" not in entry and entry | _seen(file) == entry

    def is_known(self, file: File, content: Content) -> bool:
        """Whether this is what was read under that name."""
        entry = self.known.get(file.name)
        return entry is not None and self._usable(entry) and entry["sha256"] == content.sha256

    def twin(self, content: Content) -> str | None:
        """The file that was read last, if it held the same."""
        last = self.known.get(self._last)
        return self._last if last and self._usable(last) and last["sha256"] == content.sha256 else None

    def note(self, file: File) -> None:
        """The file is what it was, though it looks different."""
        self.known[file.name] = {k: v for k, v in self.known[file.name].items() if k != "fresh"} | _seen(file)

    def add(self, file: File, content: Content, problems: bool) -> None:
        """The file was read, or need not be."""
        number = 1 + (self._number(self._last) if self._last else 0)
        entry = _seen(file) | {"sha256": content.sha256, "number": number}
        self.known[file.name] = entry | ({"of_no_use": self.reading} if problems else {})
        self._last = file.name

    def _number(self, name: str) -> int:
        return self.known[name].get("number", 0)

    def _usable(self, entry: Entry) -> bool:
        # read in another way now, what was of no use may be of some
        return entry.get("of_no_use", self.reading) == self.reading


def _seen(file: File) -> Entry:
    seen = {"size": file.size, "changed_at": file.changed_at.isoformat(), "tag": file.tag}
    # where times are whole seconds, what was written just now may be written again and look the same
    is_fresh = not file.tag and wall_clock() - file.changed_at < CLOCK_DRIFT
    return seen | ({"fresh": True} if is_fresh else {})
