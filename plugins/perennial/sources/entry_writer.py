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
    """The text of the file with the entry as the last of its sources; ConfigError if the name is taken."""
    text = path.read_text("utf-8")
    top = {key.value: value for key, value in yaml.compose(text, Loader=yaml.SafeLoader).value}
    sources = top["sources"]
    for key, _ in sources.value:
        if key.value == name:
            raise ConfigError(f"{path}:{key.start_mark.line + 1}: source '{name}' is there already; take another name")
    lines = text.splitlines(keepends=True)
    at = sources.end_mark.line if sources.end_mark.line < len(lines) else len(lines)
    before = "".join(lines[:at]).rstrip("\n") + "\n\n"
    after = "".join(lines[at:])
    return before + written(name, entry, sources.value[0][0].start_mark.column) + ("\n" + after if after else "")


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
    """Quoted where YAML would read something else."""
    text = str(value)
    plain = PLAIN.fullmatch(text) and yaml.safe_load(text) == text
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
