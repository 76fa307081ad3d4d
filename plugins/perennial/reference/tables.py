"""tables.md: every table that people read, with its key and its columns."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

from perennial.reference import dbt_models, sql_tables
from perennial.reference.dbt_models import Table
from perennial.reference.markdown import code, heading, link, page, plain, table
from perennial.warehouse import contract

ORDER = ("marts", "activation", "pii", "clv", "raw", "quarantine", "ops")
WHO = "Schemas `staging`, `input` and `intermediate` are steps on the way and change without notice."


def write(home: Path) -> str:
    """The page of the project in `home`."""
    made, told = sql_tables.read(home / "sql")
    project = home / "dbt_project"
    shared = dbt_models.shared_texts(project)
    made = [_landed(project, one) if one.schema == "raw" else one for one in made]
    found = [*dbt_models.read(project), *(_described(one, shared) for one in made)]
    found.sort(key=lambda one: (_place(one.schema), one.schema, one.name))
    contents, parts = [], []
    for schema, members in groupby(found, key=lambda one: one.schema):
        tables = list(members)
        links = " · ".join(link(one.name, f"{schema}.{one.name}") for one in tables)
        contents.append(f"- {link(schema, schema)}: {links}")
        parts += [heading(2, schema, schema), plain(told.get(schema, "")), *(_section(one) for one in tables)]
    return page("Tables", WHO, "\n".join(contents), *parts)


def _place(schema: str) -> int:
    return ORDER.index(schema) if schema in ORDER else len(ORDER)


def _landed(project: Path, raw: Table) -> Table:
    """A table of raw, with the key of the contract and what staging says of columns it hands on."""
    entity, told = contract.ENTITIES[raw.name], dbt_models.descriptions(project, f"stg_{raw.name}")
    key = ", ".join(f"`{name}`" for name in ("source", *entity.key))
    said = raw.description or f"One row per landed version of a row; {key} name what it is a version of."
    return _described(replace(raw, description=said, key=raw.key or ("batch_id", "row_no")), told)


def _described(one: Table, told: dict[str, str]) -> Table:
    """The table with what is told of columns of these names, where nothing is said of its own."""
    columns = tuple(replace(c, description=c.description or told.get(c.name, "")) for c in one.columns)
    return replace(one, columns=columns)


def _section(one: Table) -> str:
    key = f"Key: {', '.join(code(name) for name in one.key)}." if one.key else ""
    rows = [[code(c.name), plain(c.type), plain(c.description)] for c in one.columns]
    parts = [
        heading(3, f"{one.schema}.{one.name}", f"{one.schema}.{one.name}"),
        plain(one.description),
        key,
        table(["column", "type", "what it says"], rows),
    ]
    return "\n\n".join(part for part in parts if part)
