"""Where in the warehouse somebody can stand: found in the catalogue, so that a new table is covered by itself."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from perennial.scratch import SCRATCH

TEXTS = ("text", "varchar", "bpchar", "name", "json", "jsonb", "_text", "_varchar", "uuid")
CONTACTS = ("email", "phone", "loyalty_number", "stated_email", "address")
KEYS = ("customer_key", "own_key", "former_key")
SCHEMAS = (
    *("raw", "quarantine", "staging", "input", "intermediate", "marts", "clv", "activation", "ops", "pii"),
    SCRATCH,  # left by a command that was killed
)
COLUMNS = """
    select n.nspname as schema, c.relname as name, a.attname as column, t.typname as type, a.attnotnull as required
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = ''
    join pg_type as t on t.oid = a.atttypid
    where c.relkind = any(%s) and n.nspname = any(%s)
    order by n.nspname, c.relname, a.attnum
"""


@dataclass(frozen=True)
class Table:
    """A table; `columns` are type and whether it must be filled, by name."""

    schema: str
    name: str
    columns: dict[str, tuple[str, bool]]

    @property
    def at(self) -> sql.Identifier:
        """Its name in SQL."""
        return sql.Identifier(self.schema, self.name)

    @property
    def texts(self) -> list[str]:
        """Columns in which a word can stand."""
        return [name for name, (type_, _) in self.columns.items() if type_ in TEXTS]

    @property
    def contacts(self) -> list[str]:
        """Columns of contact details that may be empty."""
        return [name for name, (_, required) in self.columns.items() if name in CONTACTS and not required]

    @property
    def ids(self) -> list[tuple[str, str]]:
        """Columns that hold a customer's id of a source, each with the column that names the source."""
        pairs = [("source", "customer_id"), ("source", "source_customer_id"), ("other_source", "other_customer_id")]
        pairs.append(("other_source", "other_source_customer_id"))
        return [(source, said) for source, said in pairs if {source, said} <= self.columns.keys()]

    def of_customer(self) -> sql.Composable | None:
        """The condition that a row is hers: parameters keys, sources, ids. None where no row can be."""
        tests = [sql.SQL("{} = any(%(keys)s)").format(sql.Identifier(name)) for name in KEYS if name in self.columns]
        tests += [
            sql.SQL("({}, {}) in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))").format(
                sql.Identifier(source), sql.Identifier(said)
            )
            for source, said in self.ids
        ]
        return sql.SQL(" or ").join(tests) if tests else None


def tables(session: psycopg.Connection, *, views: bool = False) -> list[Table]:
    """Every table in our schemas, and the views if they are asked for; others in the same database are not ours."""
    found: dict[tuple[str, str], dict[str, tuple[str, bool]]] = {}
    for row in session.execute(COLUMNS, [["r", "p", *(["v"] if views else [])], list(SCHEMAS)]):
        found.setdefault((row["schema"], row["name"]), {})[row["column"]] = (row["type"], row["required"])
    return [Table(schema, name, columns) for (schema, name), columns in found.items()]
