"""Everything the warehouse holds about one customer, as one JSON file: her own data, contact details included.

Sections are found in the catalogue: every table and view that has a customer_key, or a source and the id there, and
what belongs to her orders. A row that also names somebody else is left out. Copies that lie between the tables of the
sources and those for people (staging, input, intermediate) say nothing else and are left out too.
"""

import json
import os
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from perennial import night, paths
from perennial.config import Config
from perennial.erasure.columns import KEYS, Table, tables
from perennial.erasure.papers import file_of
from perennial.erasure.person import Person, find_out, key_of
from perennial.warehouse.database import connect

PASSING = ("staging", "input", "intermediate")
ORDERS = """
    select distinct source, order_id from raw.orders
    where (source, customer_id) in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))
"""
# where nobody's key stands, but her address, or the row as her source delivered it
OTHERWISE = {
    ("pii", "opt_outs"): "lower(btrim(address)) = any(%(addresses)s)",
    ("quarantine", "rejected_rows"): (
        "(source, mapped ->> 'customer_id') in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))"
    ),
}


def write(typed: str, config: Config, folder: Path) -> tuple[Path, int, int]:
    """Write the file; returns it, its sections and its rows. FatalError if nobody or more than one is meant."""
    with connect() as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # one state of all tables
        key = key_of(session, typed, config)
        person = find_out(session, key, config)
        told = {
            "customer_key": key,
            "night": str(night.horizon()),
            "records": [{"source": r.source, "customer_id": r.id} for r in person.records],
            "sections": sections(session, person),
        }
    file = file_of(paths.private_folder(folder), key)
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump(told, stream, ensure_ascii=False, indent=1)
    part.rename(file)
    return file, len(told["sections"]), sum(map(len, told["sections"].values()))


def sections(session: psycopg.Connection, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Her rows by table, of tables that have any."""
    about = {
        "keys": person.keys,
        "sources": [r.source for r in person.records],
        "ids": [r.id for r in person.records],
        "addresses": [a.said for a in person.addresses],
    }
    orders = session.execute(ORDERS, about).fetchall()
    about |= {"order_sources": [o["source"] for o in orders], "order_ids": [o["order_id"] for o in orders]}
    found = {}
    for table in tables(session, views=True):
        hers = _hers(table)
        if table.schema in PASSING or hers is None:
            continue
        query = sql.SQL("select to_jsonb(t) as told from {} as t where {}").format(table.at, hers)
        if rows := [row["told"] for row in session.execute(query, about)]:
            found[f"{table.schema}.{table.name}"] = rows
    return found


def _hers(table: Table) -> sql.Composable | None:
    """The condition that a row is hers and names nobody else; None where no row can be."""
    if (table.schema, table.name) in OTHERWISE:
        return sql.SQL(OTHERWISE[table.schema, table.name])
    keys = [name for name in KEYS if name in table.columns]
    tests = [sql.SQL("coalesce({} = any(%(keys)s), true)").format(sql.Identifier(name)) for name in keys]
    tests += [
        sql.SQL("coalesce(({}, {}) in (select * from unnest(%(sources)s::text[], %(ids)s::text[])), true)").format(
            sql.Identifier(source), sql.Identifier(said)
        )
        for source, said in table.ids
    ]
    if not tests and {"source", "order_id"} <= table.columns.keys():
        return sql.SQL("(source, order_id) in (select * from unnest(%(order_sources)s::text[], %(order_ids)s::text[]))")
    names_somebody = table.of_customer()
    if names_somebody is None:
        return None
    return sql.SQL("({}) and {}").format(names_somebody, sql.SQL(" and ").join(tests))
