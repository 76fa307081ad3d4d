"""An entry of sources.yml for tables of a database, as far as their columns tell what they are."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perennial.config import files
from perennial.config.sources import Business, Sources
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.sources import sql
from perennial.sources.proposal import Proposal, propose
from perennial.warehouse import contract
from perennial.warehouse.masking import has_contact, shown
from perennial.warehouse.source_table import SourceTable


@dataclass
class Added:
    """The entry, and what a person should look at."""

    entry: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def entry(
    name: str,
    tables: dict[str, str],
    connection: tuple[str, Connection | None],
    timezone: str | None,
    given: dict[str, str | dict[str, str]],
    business: Business,
) -> Added:
    """An entry for these tables by entity; `given` maps entity.column where a person knows better.

    ConfigError for an entity or table that is none, and for what only a person can know.
    """
    engine = sql.engine_of(name, *connection)
    try:
        zone = timezone or "UTC"  # of no meaning where every time has its zone
        found = Added({"kind": "sql", "connection": connection[0], "timezone": zone, "entities": {}})
        known = {f"{entity}.{column.name}" for entity in tables for column in _contracted(entity).columns}
        if strange := sorted(set(given) - known):
            option = "--map" if isinstance(given[strange[0]], str) else "--constant"
            raise ConfigError(f"{option} {strange[0]}: unknown; accepted: {', '.join(sorted(known))}")
        for entity, table in tables.items():
            asked = {key.partition(".")[2]: said for key, said in given.items() if key.partition(".")[0] == entity}
            looked = SourceTable(f"source '{name}', entity '{entity}' ({table})", engine, table)
            told = _entity(found, looked, contract.ENTITIES[entity], asked, business.currency)
            if timezone is None and (naive := looked.without_zone(contract.ENTITIES[entity], told["columns"])):
                raise ConfigError(
                    f"{looked.what}: times in {naive} have no zone. Say how they are meant: "
                    f"--timezone {business.timezone}, or another"
                )
            found.entry["entities"][entity] = told
        return found
    finally:
        engine.dispose()


def _entity(
    found: Added, table: SourceTable, entity: contract.Entity, asked: dict[str, str | dict[str, str]], currency: str
) -> dict[str, Any]:
    columns = list(table.columns)
    listed = ", ".join(columns)
    if absent := sorted({said for said in asked.values() if isinstance(said, str)} - set(columns)):
        raise ConfigError(f"{table.what}: no column '{absent[0]}'; it has {listed}")
    _check_constants(table.what, entity, asked)
    proposed = propose(entity, columns, table.values, currency, asked)
    if proposed.narrowing:
        raise ConfigError(
            f"{table.what}: '{proposed.narrowing[0]}' may tell what a consent is for, and consent to terms is none to "
            f"be written to. Map it, e.g. --map consents.purpose={proposed.narrowing[0]}, or read a view without it "
            "that has only the rows that are meant."
        )
    if proposed.missing:
        first = proposed.missing[0]
        same = f", or what it always is: --constant {entity.name}.{first}=VALUE" if _same_for_all(entity, first) else ""
        raise ConfigError(
            f"{table.what}: nothing is called like {first}; it has {listed}. Say which it is: "
            f"--map {entity.name}.{first}=COLUMN{same}"
        )
    for column, origin in proposed.columns.items():
        if isinstance(origin, dict) and any(map(has_contact, origin.get("values", {}))):
            raise ConfigError(
                f"{table.what}: '{origin['from']}' holds what may be contact details, which do not belong into "
                f"sources.yml. Name another column with --map {entity.name}.{column}=COLUMN"
            )
    if isinstance(person := proposed.columns.get("customer_id"), str):
        proposed.columns["customer_id"] = table.person(person)
    found.notes += [f"{entity.name}: {note}" for note in _notes(entity, asked, proposed)]
    return (
        {"table": table.name} | ({"cursor": proposed.cursor} if proposed.cursor else {}) | {"columns": proposed.columns}
    )


def _notes(entity: contract.Entity, asked: dict[str, str | dict[str, str]], proposed: Proposal) -> Iterator[str]:
    """What a person should look at; values that mean nothing yet are masked."""
    if not proposed.cursor:
        yield "no column tells when a row changed, so all rows are read every night"
    for column, origin in proposed.columns.items():
        if not isinstance(origin, dict):
            continue
        if "constant" in origin and column not in asked:
            yield f"no column for {column}, so it is always {origin['constant']}"
        if origin.get("as") == "email_key":
            yield f"{origin['from']} holds e-mail addresses, so {column} is made of them (as: email_key)"
        if origin.get("values") and _contract_column(entity, column).choices:
            meant = ", ".join(f"{value!r} is {means}" for value, means in origin["values"].items())
            yield f"in {origin['from']} {meant}: is that right?"
    for column, values in proposed.unknown_values.items():
        told = ", ".join(f"'{shown(value, has_contact(value))}'" for value in values[:5])
        more = f" and {len(values) - 5} more" if len(values) > 5 else ""
        yield f"what {told}{more} in {column} means is not known; such rows would be rejected"


def _check_constants(what: str, entity: contract.Entity, asked: dict[str, str | dict[str, str]]) -> None:
    for column, said in asked.items():
        choices = _contract_column(entity, column).choices
        if isinstance(said, dict) and choices and said["constant"] not in choices:
            raise ConfigError(
                f"{what}: --constant {entity.name}.{column}={said['constant']}; accepted: {', '.join(choices)}"
            )


def _same_for_all(entity: contract.Entity, column: str) -> bool:
    """Whether one value for all rows can make sense."""
    known = _contract_column(entity, column)
    return bool(known.choices or known.declared or column == "purpose")


def _contract_column(entity: contract.Entity, name: str) -> contract.Column:
    return next(column for column in entity.columns if column.name == name)


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
