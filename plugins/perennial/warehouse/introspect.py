"""An entry of sources.yml for tables of a database, as far as their columns tell what they are."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perennial.config import files
from perennial.config.sources import Sources
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.sources import sql
from perennial.sources.proposal import propose
from perennial.warehouse import contract


@dataclass
class Added:
    """The entry, and what a person should look at."""

    entry: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def entry(
    name: str,
    tables: dict[str, str],
    connection: tuple[str, Connection | None],
    timezone: str,
    given: dict[str, str],
    currency: str,
) -> Added:
    """An entry for these tables by entity; `given` maps entity.column where a person knows better.

    ConfigError for an entity or table that is none, and for a column of the contract that nothing was found for.
    """
    engine = sql.engine_of(name, *connection)
    try:
        found = Added({"kind": "sql", "connection": connection[0], "timezone": timezone, "entities": {}})
        known = {f"{entity}.{column.name}" for entity in tables for column in _contracted(entity).columns}
        if strange := sorted(set(given) - known):
            raise ConfigError(f"--map {strange[0]}: unknown; accepted: {', '.join(sorted(known))}")
        for entity, table in tables.items():
            _add(found, name, entity, table, engine, given, currency)
        return found
    finally:
        engine.dispose()


def _add(found: Added, name: str, entity: str, table: str, engine: Any, given: dict[str, str], currency: str) -> None:
    what = f"source '{name}', entity '{entity}' ({table})"
    columns = sql.columns_of(what, engine, table)
    asked = {key.partition(".")[2]: column for key, column in given.items() if key.partition(".")[0] == entity}
    if absent := sorted(set(asked.values()) - set(columns)):
        raise ConfigError(f"{what}: no column '{absent[0]}'; it has {', '.join(columns)}")
    proposed = propose(
        contract.ENTITIES[entity], columns, lambda column: sql.values_of(what, engine, table, column), currency, asked
    )
    if proposed.missing:
        first = proposed.missing[0]
        raise ConfigError(
            f"{what}: nothing is called like {first}; it has {', '.join(columns)}. Say which it is: "
            f"--map {entity}.{first}=COLUMN"
        )
    told: dict[str, Any] = {"table": table}
    if proposed.cursor:
        told["cursor"] = proposed.cursor
    else:
        found.notes.append(f"{entity}: no column tells when a row changed, so all rows are read every night")
    for column, origin in proposed.columns.items():
        if isinstance(origin, dict) and "constant" in origin:
            found.notes.append(f"{entity}: no column for {column}, so it is always {origin['constant']}")
    for column, values in proposed.unknown_values.items():
        shown = ", ".join(repr(value) for value in values[:5])
        found.notes.append(f"{entity}: what {shown} in {column} means is not known; such rows would be rejected")
    found.entry["entities"][entity] = told | {"columns": proposed.columns}


def _contracted(entity: str) -> contract.Entity:
    if entity not in contract.ENTITIES:
        raise ConfigError(f"unknown entity '{entity}'; accepted: {', '.join(contract.ENTITIES)}")
    return contract.ENTITIES[entity]


def proven(path: Path, text: str) -> None:
    """ConfigError unless the text would be a valid file of sources."""
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / path.name
        tried.write_bytes(text.encode())
        files.read(tried, Sources)


def replace(path: Path, text: str) -> None:
    """Write the file whole or not at all; a link stays one, and who may read it stays as it was."""
    file = path.resolve()
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(text.encode())
    shutil.copymode(file, part)
    part.replace(file)
