"""Looking for her everywhere: all texts of all tables, the landing zone, audience files, reports and logs.

An id is looked for where ids of its source stand, since the number of one customer is the number of another's order;
one that cannot be anything else, every address and every key anywhere.
"""

from dataclasses import dataclass, field

import psycopg
import pyarrow.compute as pc
from psycopg import sql

from perennial import landing
from perennial.config import Config
from perennial.connections import Lookup
from perennial.erasure import audience_files, papers
from perennial.erasure.columns import Table, tables
from perennial.erasure.person import Person
from perennial.erasure.tombstone import hide
from perennial.erasure.words import likes, pattern

OWN = (("pii", "erasing"),)  # what is looked for stands there, until nothing is found


@dataclass
class Found:
    """Places where she stands, with rows or files there; what was looked through; members that wait to be taken out."""

    tables: int = 0
    files: int = 0
    places: dict[str, int] = field(default_factory=dict)

    @property
    def hits(self) -> int:
        """In all places together."""
        return sum(self.places.values())


def scan(session: psycopg.Connection, person: Person, config: Config, lookup: Lookup) -> Found:
    """Look for her as she was known; after an erasure nothing is to be found."""
    found = Found()
    for table in tables(session):
        if (table.schema, table.name) not in OWN:
            found.tables += 1
            if rows := _rows(session, table, person):
                found.places[f"{table.schema}.{table.name}"] = rows
    for batch in landing.everything():
        found.files += len(batch.files) + 1
        if rows := _landed(batch, person, config):
            found.places[f"landing {batch.batch_id}"] = rows
    for name, (files, hits) in {
        "audience files": audience_files.look(person, config, lookup),
        "reports and logs": papers.look(person),
    }.items():
        found.files += files
        if hits:
            found.places[name] = hits
    return found


def _rows(session: psycopg.Connection, table: Table, person: Person) -> int:
    tests, told = [], {}
    if table.texts:
        texts = [_text(table, name) for name in table.texts]
        said = sql.SQL("concat_ws(E'\\x01', {})").format(sql.SQL(", ").join(texts))
        exact = [*likes(person.replaced), *(f"%{one}%" for one in likes_of(person.distinctive))]
        tests.append(sql.SQL("{0} like any(%(exact)s)").format(said))
        told["exact"] = exact
        if person.words:
            tests.append(sql.SQL("(lower({0}) like any(%(words)s) and {0} ~* %(pattern)s)").format(said))
            told |= {"words": likes(person.words), "pattern": pattern(person.words)}
    for source, said in table.ids:
        tests.append(
            sql.SQL("({}, {}) in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))").format(
                sql.Identifier(source), sql.Identifier(said)
            )
        )
    if (table.schema, table.name) == ("quarantine", "rejected_rows"):
        tests.append(
            sql.SQL(
                "(source, mapped ->> 'customer_id') in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))"
            )
        )
    if not tests:
        return 0
    told |= {"sources": [r.source for r in person.records], "ids": [r.id for r in person.records]}
    told["new"] = [r.new_key for r in person.records]
    count = sql.SQL("select count(*) as n from {} where {}").format(table.at, sql.SQL(" or ").join(tests))
    return session.execute(count, told).fetchone()["n"]


def _text(table: Table, name: str) -> sql.Composable:
    """A column as text; but for the address at which a tool is still to be told that she is out."""
    if (table.schema, table.name, name) == ("pii", "destination_members", "address"):
        return sql.SQL("case when customer_key <> all(%(new)s) then address end")
    return sql.SQL("{}::text").format(sql.Identifier(name))


def likes_of(ids: list[str]) -> list[str]:
    """Ids as LIKE takes them literally; unlike addresses they keep their capitals."""
    return [one.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for one in ids]


def _landed(batch: landing.Batch, person: Person, config: Config) -> int:
    source = config.sources.sources.get(batch.source)
    mapping = source.entities.get(batch.entity) if source else None
    tokens = {(r.source, r.id): r.token for r in person.records}
    words, total = pattern(person.words), 0
    for rows in landing.tables(batch):
        hit = set(hide(batch.source, mapping, rows, lambda *one: tokens.get(one))[1]) if mapping else set()
        for name in rows.column_names if words else ():
            found = pc.match_substring_regex(rows[name], words, ignore_case=True)
            hit |= set(pc.indices_nonzero(pc.fill_null(found, False)).to_pylist())
        total += len(hit)
    return total
