"""What the yml files of dbt say of tables that people read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from perennial.errors import FatalError

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
BLOCK = re.compile(r"{%\s*docs (\w+)\s*%}(.*?){%\s*enddocs\s*%}", re.DOTALL)
SHARED = re.compile(r"{{\s*doc\('(\w+)'\)\s*}}")
SCHEMA = re.compile(r"schema='(\w+)'")
UNIQUE = re.compile(r"{'columns': \[([^]]*)\], 'unique': true}")


@dataclass(frozen=True)
class Column:
    """A column; `type` is empty where only the database knows it."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Table:
    """A table or view. `key` is what no two rows share, empty where nothing says so."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def read(project: Path) -> list[Table]:
    """Every model of marts/, every seed, and what identity remembers from night to night."""
    models, shared = project / "models", shared_texts(project)
    remembered = [path for path in (models / "intermediate" / "identity").glob("*.yml") if _is_kept(path)]
    found = []
    for path in [*(models / "marts").rglob("*.yml"), *remembered, *(project / "seeds").glob("*.yml")]:
        described = yaml.load(path.read_text("utf-8"), Loader)
        for entry in [*described.get("models", []), *described.get("seeds", [])]:
            found.append(_table(path, entry, shared))
    return found


def shared_texts(project: Path) -> dict[str, str]:
    """What is said of columns that many tables have, by name."""
    texts = [path.read_text("utf-8") for path in sorted((project / "models").rglob("*.md"))]
    return {name: " ".join(said.split()) for text in texts for name, said in BLOCK.findall(text)}


def descriptions(project: Path, model: str) -> dict[str, str]:
    """What a staging model says of its columns, by name; empty if there is no such model."""
    path = project / "models" / "staging" / f"{model}.yml"
    if not path.exists():
        return {}
    entry = yaml.load(path.read_text("utf-8"), Loader)["models"][0]
    return {column.name: column.description for column in _table(path, entry, shared_texts(project)).columns}


def _is_kept(path: Path) -> bool:
    query = path.with_suffix(".sql").read_text("utf-8")
    return "schema='pii'" in query and "materialized='incremental'" in query


def _table(path: Path, entry: dict[str, Any], shared: dict[str, str]) -> Table:
    columns = entry.get("columns", [])
    beside = path.with_name(f"{entry['name']}.sql")
    query = beside.read_text("utf-8") if beside.exists() else ""
    return Table(
        _schema(path, query),
        entry["name"],
        _told(path, entry["description"], shared),
        _key(entry, columns, query),
        tuple(Column(c["name"], c.get("data_type", ""), _column(path, c, shared)) for c in columns),
    )


def _schema(path: Path, query: str) -> str:
    """As dbt_project.yml and the model's own config say."""
    own = SCHEMA.search(query)
    return own[1] if own else "activation" if path.parent.name == "activation" else "marts"


def _key(entry: dict[str, Any], columns: list[dict[str, Any]], query: str) -> tuple[str, ...]:
    """As a test holds it, else a unique index."""
    for test in entry.get("data_tests", []):
        if isinstance(test, dict) and "unique_combination" in test:
            return tuple(test["unique_combination"]["arguments"]["columns"])
    if alone := next((c["name"] for c in columns if "unique" in c.get("data_tests", [])), None):
        return (alone,)
    index = UNIQUE.search(query)
    return tuple(re.findall(r"\w+", index[1])) if index else ()


def _column(path: Path, column: dict[str, Any], shared: dict[str, str]) -> str:
    said = _told(path, column.get("description", ""), shared)
    for test in column.get("data_tests", []):
        if isinstance(test, dict) and "accepted_values" in test:
            values = test["accepted_values"]["arguments"]["values"]
            said += f" One of {', '.join(f'`{value}`' for value in values)}."
    return said.strip()


def _told(path: Path, text: str, shared: dict[str, str]) -> str:
    missing = [name for name in SHARED.findall(text) if name not in shared]
    if missing:
        raise FatalError(f"{path}: there is no text '{missing[0]}'; write it in dbt_project/models/docs.md")
    return " ".join(SHARED.sub(lambda found: shared[found[1]], text).split())
