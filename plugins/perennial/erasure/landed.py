"""Her landed rows: tombstones under a superseding manifest, and in `raw` the hash of what a replay would load."""

from collections.abc import Iterable
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from perennial import landing
from perennial.config import Config
from perennial.erasure.person import Person
from perennial.erasure.salted import TokenOf
from perennial.erasure.tombstone import hide
from perennial.erasure.words import pattern
from perennial.landing import Batch
from perennial.sources.base import Settings
from perennial.warehouse import contract, landed_rows, rowcheck
from perennial.warehouse.database import connect

SUPERSEDED = """
    update ops.batches set manifest_sha256 = %s, bytes = %s where batch_id = %s and manifest_sha256 = %s
"""
NUMBERED = "select row_no, payload_hash from checked_rows order by row_no"


def rewrite(person: Person, config: Config) -> int:
    """Make tombstones of her rows in every batch; returns how many. Files that hold none of her stay as they are."""
    tokens = {(r.source, r.id): r.token for r in person.records} | {
        (r.source, r.pseudonym): r.token for r in person.records
    }
    return sum(_one(batch, person, config, tokens) for batch in landing.everything())


def _one(batch: Batch, person: Person, config: Config, tokens: dict[tuple[str, str], str]) -> int:
    source = config.sources.sources.get(batch.source)
    hers: dict[int, dict[str, Any]] = {}
    made = landing.supersede(batch, lambda rows, first: _edit(rows, first, batch, source, person, tokens, hers))
    if made.supersedes:
        with connect() as session:
            session.execute(SUPERSEDED, [made.sha256, made.bytes, made.batch_id, made.supersedes])
    if hers and source:
        _rehash(made, source, config.sources.business.currencies, hers)
    return len(hers)


def _edit(
    rows: pa.Table,
    first: int,
    batch: Batch,
    source: Settings | None,
    person: Person,
    tokens: dict[tuple[str, str], str],
    hers: dict[int, dict[str, Any]],
) -> pa.Table:
    mapping = source.entities.get(batch.entity) if source else None
    if mapping:
        token_of: TokenOf = lambda of, said: tokens.get((of, said))  # noqa: E731
        clean, numbers = hide(batch.source, mapping, rows, token_of)
        if numbers:
            # tombstones of an earlier try are found again, and are what they were
            rows = rows if clean.equals(rows) else clean
            found = clean.take(pa.array(numbers)).to_pylist()
            hers.update({first + n: row for n, row in zip(numbers, found, strict=True)})
    return without(rows, person.words)


def without(rows: pa.Table, words: Iterable[str]) -> pa.Table:
    """The rows with every cell emptied that holds one of the words; the same object if none does."""
    found = pattern(words)
    if not found:
        return rows
    for n, name in enumerate(rows.column_names):
        hit = pc.match_substring_regex(rows[name], found, ignore_case=True)
        if pc.any(hit).as_py():
            rows = rows.set_column(
                n, name, pc.if_else(pc.fill_null(hit, False), pa.scalar(None, pa.string()), rows[name])
            )
    return rows


def _rehash(batch: Batch, source: Settings, currencies: tuple[str, ...], hers: dict[int, dict[str, Any]]) -> None:
    """The rows were stored with the hash of what they said before; delivered again, they are to say nothing new."""
    mapping = source.entities[batch.entity]
    if set(mapping.read) - set(batch.columns) or "customer_id" not in mapping.columns:
        return
    numbers = sorted(hers)
    start = -batch.rows if batch.is_replay else 1  # as the loader numbers them
    table = pa.table({c: pa.array([hers[n][c] for n in numbers], pa.string()) for c in batch.columns})
    with connect() as session:
        session.execute("select set_config('timezone', %s, true)", [source.timezone])
        landed_rows.copy_rows(session, batch.columns, table.combine_chunks().to_batches())
        entity = contract.ENTITIES[batch.entity]
        session.execute(rowcheck.checked_rows(entity, mapping, batch.columns, currencies, batch.extracted_at))
        hashed = [
            (row["payload_hash"], batch.batch_id, start + numbers[row["row_no"] - 1])
            for row in session.execute(NUMBERED)
        ]
        _write(session, batch.entity, hashed)


def _write(session: psycopg.Connection, entity: str, hashed: list[tuple]) -> None:
    update = sql.SQL("update raw.{} set payload_hash = %s where batch_id = %s and row_no = %s").format(
        sql.Identifier(entity)
    )
    with session.cursor() as cursor:
        cursor.executemany(update, hashed)
