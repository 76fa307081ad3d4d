"""Her rejected rows: they stay counted, and what was wrong with them stays wrong; what tells of her goes."""

import re
from typing import Any

import psycopg

from perennial.config import Config
from perennial.erasure.person import Person
from perennial.erasure.tombstone import CONTACTS, tombstone
from perennial.erasure.words import likes, pattern
from perennial.sources.base import Entity
from perennial.warehouse.database import as_json

HERS = """
    select batch_id, row_no, source, entity, column_name, value, payload, mapped
    from quarantine.rejected_rows
    where (source, mapped ->> 'customer_id') in (select * from unnest(%s::text[], %s::text[]))
        or (mapped ->> 'other_source', mapped ->> 'other_customer_id') in (select * from unnest(%s::text[], %s::text[]))
        or lower(payload::text) like any(%s) or lower(value) like any(%s)
"""
WRITE = """
    update quarantine.rejected_rows set payload = %s, mapped = %s, value = %s where batch_id = %s and row_no = %s
"""


def clean(session: psycopg.Connection, person: Person, config: Config) -> int:
    """Rows changed. What was rejected of others, but quotes an address of hers, loses that."""
    ids = [[r.source for r in person.records], [r.id for r in person.records]]
    words = likes(person.words)
    rows = session.execute(HERS, [*ids, *ids, words, words]).fetchall()
    for row in rows:
        payload, mapped, value = _cleaned(row, person, config)
        session.execute(WRITE, [as_json(payload), as_json(mapped), value, row["batch_id"], row["row_no"]])
    return len(rows)


def _cleaned(row: dict[str, Any], person: Person, config: Config) -> tuple[dict, dict, str | None]:
    source = config.sources.sources.get(row["source"])
    mapping = source.entities.get(row["entity"]) if source else None
    payload, mapped, value = row["payload"], row["mapped"], row["value"]
    for named, said in (("source", "customer_id"), ("other_source", "other_customer_id")):
        of = row["source"] if named == "source" else mapped.get(named)
        for record in person.records:
            if mapping and (of, mapped.get(said)) == (record.source, record.id):
                payload = tombstone(mapping, payload) | {mapping.columns[said].from_: record.token}
                mapped = {k: v for k, v in mapped.items() if k not in CONTACTS} | {said: record.pseudonym}
                value = value if _stays(mapping, row["column_name"]) else None
    payload, mapped = _without(payload, person.words), _without(mapped, person.words)
    return {k: v for k, v in payload.items() if v is not None}, mapped, _without({"": value}, person.words)[""]


def _stays(mapping: Entity, column: str) -> bool:
    """Whether a tombstone shows the column that was wrong."""
    kept = tombstone(mapping, {column: "?"})
    ids = [mapping.columns[name].from_ for name in ("customer_id", "other_customer_id") if name in mapping.columns]
    return kept[column] == "?" and column not in ids


def _without(row: dict[str, Any], words: list[str]) -> dict[str, Any]:
    found = re.compile(pattern(words) or "(?!)", re.IGNORECASE)
    return {k: None if isinstance(v, str) and found.search(v) else v for k, v in row.items()}
