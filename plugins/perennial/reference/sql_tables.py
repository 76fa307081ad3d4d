"""What sql/ says of the tables it makes: columns, primary keys, and the comments on them."""

import re
from pathlib import Path

from perennial.reference.dbt_models import Column, Table

NAME = r"(\w+)\.(\w+)"
COMMENT_OR_TEXT = re.compile(r"--[^\n]*|('(?:[^']|'')*')")  # two dashes within a text begin no comment
CREATED = re.compile(rf"create table if not exists {NAME} \((.*?)\n\);", re.DOTALL)
ALTERED = re.compile(rf"alter table {NAME} (add|drop) column if (?:not )?exists ([^;]+);")
TOLD = re.compile(r"comment on (schema|table|column) ([\w.]+) is\s+((?:'(?:[^']|'')*'\s*)+);")
COLUMN = re.compile(r"(\w+) (.+?)(?= not null| default | primary key| references | check |$)", re.DOTALL)
NO_COLUMNS = ("primary", "unique", "check", "constraint", "foreign")


def read(folder: Path) -> tuple[list[Table], dict[str, str]]:
    """Every table that a file of `folder` makes, and what is said of each schema."""
    text = "\n".join(COMMENT_OR_TEXT.sub(r"\1", path.read_text("utf-8")) for path in sorted(folder.glob("*.sql")))
    told = {(kind, name): _text(said) for kind, name, said in TOLD.findall(text)}
    altered = [(f"{schema}.{name}", verb, column) for schema, name, verb, column in ALTERED.findall(text)]
    tables = []
    for schema, name, body in CREATED.findall(text):
        table = f"{schema}.{name}"
        parts = [part for part in _parts(body) if part.split()[0] not in NO_COLUMNS]
        for verb, column in (change[1:] for change in altered if change[0] == table):
            parts = _altered(parts, verb, column)
        columns = tuple(_column(part, table, told) for part in parts)
        tables.append(Table(schema, name, told.get(("table", table), ""), _key(body), columns))
    return tables, {name: said for (kind, name), said in told.items() if kind == "schema"}


def _column(part: str, table: str, told: dict[tuple[str, str], str]) -> Column:
    name, typed = COLUMN.match(part).groups()
    return Column(name, " ".join(typed.split()), told.get(("column", f"{table}.{name}"), ""))


def _parts(body: str) -> list[str]:
    """What stands between the commas of a table; those within parentheses and texts divide nothing."""
    parts, depth, quoted = [""], 0, False
    for sign in body:
        quoted ^= sign == "'"
        depth += 0 if quoted else {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def _altered(parts: list[str], verb: str, column: str) -> list[str]:
    others = [part for part in parts if part.split()[0] != column.split()[0]]
    if verb == "drop":
        return others
    return parts if len(others) < len(parts) else [*parts, column]


def _key(body: str) -> tuple[str, ...]:
    for part in _parts(body):
        if part.startswith("primary key"):
            return tuple(name.strip() for name in part[part.index("(") + 1 : part.rindex(")")].split(","))
        if " primary key" in part:
            return (part.split()[0],)
    return ()


def _text(quoted: str) -> str:
    pieces = re.findall(r"'((?:[^']|'')*)'", quoted)
    return "".join(pieces).replace("''", "'")
