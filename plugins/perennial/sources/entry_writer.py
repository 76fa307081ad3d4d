"""An entry of config/sources.yml as text, and its place in the file; everything else there stays as it is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from perennial.errors import ConfigError

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def written(name: str, entry: dict[str, Any], indent: int = 2) -> str:
    """The lines of an entry; what belongs to one column stays on one line."""
    return "".join(f"{' ' * indent}{line}\n" for line in _lines(name, entry))


def insert(path: Path, name: str, entry: dict[str, Any]) -> str:
    """The text of the file with the entry as the last of its sources; ConfigError if the name is taken.

    ConfigError too if the file is written in a way that another entry would change what stands there.
    """
    text = path.read_bytes().decode("utf-8")  # with the line ends it has
    line_end = "\r\n" if "\r\n" in text else "\n"
    text += "" if text.endswith("\n") else line_end  # else the last line is not one of its own
    top = {key.value: value for key, value in yaml.compose(text, Loader=yaml.SafeLoader).value}
    sources = top["sources"]
    for key, _ in sources.value:
        if key.value == name:
            raise ConfigError(f"{path}:{key.start_mark.line + 1}: source '{name}' is there already; take another name")
    lines = text.splitlines(keepends=True)
    at = sources.end_mark.line
    while lines[at - 1].startswith("#") or not lines[at - 1].strip():  # what is said of the next section stays there
        at -= 1
    new = written(name, entry, sources.value[0][0].start_mark.column).replace("\n", line_end)
    after = "".join(lines[at:]).lstrip("\r\n")
    made = "".join(lines[:at]) + line_end + new + (line_end + after if after else "")
    if not _adds(text, made, name, entry):
        raise ConfigError(f"{path}: cannot be added to without changing what stands there. Add it by hand:\n{new}")
    return made


def _adds(before: str, after: str, name: str, entry: dict[str, Any]) -> bool:
    """Whether one text is the other and the entry, as YAML reads them."""
    try:
        found = yaml.safe_load(after)
        added = found["sources"].pop(name)
    except (yaml.YAMLError, KeyError):
        return False
    return added == entry and found == yaml.safe_load(before)


def _lines(name: str, entry: dict[str, Any]) -> Iterator[str]:
    yield f"{_scalar(name)}:"
    for key, value in entry.items():
        if key != "entities":
            yield f"  {key}: {_flow(value)}"
    yield "  entities:"
    for entity, told in entry["entities"].items():
        yield f"    {entity}:"
        for key, value in told.items():
            if key != "columns":
                yield f"      {key}: {_flow(value)}"
        yield "      columns:"
        for column, origin in told["columns"].items():
            yield f"        {column}: {_flow(origin)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + " }"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Quoted where YAML would read something else; what cannot be seen is spelled out."""
    text = str(value)
    if PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return '"' + "".join(_quoted(c) for c in text) + '"'


def _quoted(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
