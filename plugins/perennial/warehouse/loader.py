"""Load a landed batch: check it against the contract, append to `raw`, reject to quarantine. One transaction.

Rows that are plainly right are copied as they are read (plain_rows.py); all others go through PostgreSQL's own checks
(rowcheck.py), which alone reject. Loading a batch again changes nothing. A row that says what the newest version of
the same id already says is accepted and not stored twice, so overlaps cost no space. Always: landed = loaded +
quarantined.
"""

import json
from dataclasses import dataclass

import psycopg
import pyarrow as pa
from psycopg import sql

from perennial import landing
from perennial.errors import FatalError
from perennial.landing import Batch
from perennial.progress import say
from perennial.sources.base import PHONE_COLUMN, Settings
from perennial.warehouse import contract, raw_indexes, rowcheck
from perennial.warehouse.bulk import Bulk
from perennial.warehouse.database import connect
from perennial.warehouse.landed_rows import copy_numbered
from perennial.warehouse.local_days import LocalDays
from perennial.warehouse.phones import Phones
from perennial.warehouse.plain_rows import Finder
from perennial.warehouse.versions import Versions

REJECTED_AS = ("_rejected_in", "_rejected_row")  # batch and row number under which a replayed row waits
SETTLE = """
    update quarantine.rejected_rows as waiting set replayed_in = %s
    from landed_rows
    join checked_rows on landed_rows._row_no = checked_rows.row_no
    where checked_rows.problem is null and waiting.batch_id = landed_rows._rejected_in
        and waiting.row_no = landed_rows._rejected_row::bigint
"""
# what was wrong with a file that is delivered anew is said again, or mended
REDELIVERED = """
    update quarantine.rejected_rows as waiting set replayed_in = %(batch)s
    where source = %(source)s and entity = %(entity)s and batch_id <> %(batch)s and replayed_in is null
        and reason in ('unreadable_line', 'unreadable_file')
        and payload ->> '_file' = any(%(files)s)
"""
COUNTED = """
    update ops.batches set rows_loaded = %(loaded)s, rows_new = %(new)s, rows_quarantined = rows_landed - %(loaded)s
    where batch_id = %(batch)s
"""


@dataclass(frozen=True)
class Loaded:
    """What became of a batch, in rows. `new` counts the loaded rows that said something new."""

    batch_id: str
    landed: int
    loaded: int
    new: int
    quarantined: int


def load(batch: Batch, source: Settings, currencies: tuple[str, ...]) -> Loaded:
    """Load `batch` unless it was loaded before; returns its counts either way."""
    with connect() as session:
        session.execute("select pg_advisory_xact_lock(hashtext(%s))", [f"perennial.load.{batch.source}"])
        done = recorded(session, batch.batch_id)
        if done:
            _compare(session, batch)
            return done
        mapping = source.entities[batch.entity]
        unmapped = sorted(set(mapping.read) - set(batch.columns))
        if unmapped:
            raise FatalError(
                f"batch {batch.batch_id}: landed without column '{unmapped[0]}', which config/sources.yml maps now. "
                "Load it with the mapping it was landed with; the new one counts from the next night."
            )
        session.execute("select set_config('timezone', %s, true)", [source.timezone])
        session.execute("set local work_mem = '256MB'")  # sorts of a batch stay in memory
        _record(session, batch)
        loaded, new = _put(session, batch, source, currencies)
        session.execute(COUNTED, {"loaded": loaded, "new": new, "batch": batch.batch_id})
        if batch.is_replay:
            session.execute(SETTLE, [batch.batch_id])
        else:
            _move_cursor(session, batch)
            if "_file" in batch.columns:
                told = {"batch": batch.batch_id, "source": batch.source, "entity": batch.entity}
                session.execute(REDELIVERED, told | {"files": landing.distinct(batch, "_file")})
        session.execute("drop table if exists landed_rows, checked_rows")
        return recorded(session, batch.batch_id)


def _put(session: psycopg.Connection, batch: Batch, source: Settings, currencies: tuple[str, ...]) -> tuple[int, int]:
    """Put every row where it belongs; how many passed, and how many of them said something new."""
    entity, mapping = contract.ENTITIES[batch.entity], source.entities[batch.entity]
    phones = Phones.of(source, batch.entity)
    mapping = phones.mapped(mapping) if phones else mapping
    columns = [*batch.columns, PHONE_COLUMN] if phones else batch.columns

    def completed(rows: pa.RecordBatch, again: bool = False) -> pa.RecordBatch:
        return phones.complete(rows, again) if phones else rows

    finder = Finder(entity, mapping, currencies, batch.extracted_at, LocalDays(source.timezone))
    versions = Versions(session, batch, entity, mapping.columns)
    bulk = Bulk(batch, entity.key)
    with raw_indexes.put_off(session, entity.name, batch.rows if versions.is_first else 0) as is_fresh:
        versions.open()
        # rows that wait in quarantine were no plain ones
        plain = finder.can and not batch.is_replay
        if plain:
            bulk.copy(
                session,
                versions.target,
                versions.columns,
                map(finder.find, map(completed, landing.read(batch))),
                is_fresh,
            )
        else:
            bulk.leave(landing.read(batch))
        if bulk.rows != batch.rows:
            raise FatalError(f"batch {batch.batch_id}: landed {batch.rows} rows, {bulk.rows} reached the warehouse")
        passed = 0
        if bulk.copied < bulk.rows:
            left = ((numbers, completed(rows, again=plain)) for numbers, rows in bulk.left(landing.read(batch)))
            copy_numbered(session, columns, left)
            session.execute(rowcheck.checked_rows(entity, mapping, columns, currencies, batch.extracted_at))
            session.execute("analyze checked_rows")
            session.execute(_reject(batch))
            if "changed_at" in mapping.columns:
                session.execute(_state_when(batch))
            passed = versions.put_checked()
        new = versions.store(bulk.copied + passed, bulk.repeated, passed)
    for note in phones.notes() if phones else []:
        say(f"load {batch.source}: note: {note}")
    return bulk.copied + passed, new


def recorded(session: psycopg.Connection, batch_id: str) -> Loaded | None:
    """The counts of a batch that was loaded, or None."""
    row = session.execute(
        "select batch_id, rows_landed as landed, rows_loaded as loaded, rows_new as new, "
        "rows_quarantined as quarantined from ops.batches where batch_id = %s",
        [batch_id],
    ).fetchone()
    return Loaded(**row) if row else None


def _compare(session: psycopg.Connection, batch: Batch) -> None:
    """A landing folder that is not the one that was loaded would make the replay log a lie."""
    row = session.execute("select manifest_sha256 from ops.batches where batch_id = %s", [batch.batch_id]).fetchone()
    # an erasure that was interrupted has replaced the files and not yet said so here
    if row["manifest_sha256"] not in (batch.sha256, batch.supersedes):
        raise FatalError(
            f"batch {batch.batch_id}: {landing.folder(batch.source, batch.entity, batch.as_of)} is not what was "
            "loaded. Landed files are never edited: restore the folder from a backup."
        )


def find(batch_id: str) -> Loaded | None:
    """The counts of a batch that was loaded, or None."""
    with connect() as session:
        return recorded(session, batch_id)


def positions(source: str) -> dict[str, object]:
    """The stored cursor of every entity of a source."""
    with connect() as session:
        rows = session.execute("select entity, position from ops.cursors where source = %s", [source]).fetchall()
    return {row["entity"]: row["position"] for row in rows}


def _record(session: psycopg.Connection, batch: Batch) -> None:
    # what is quarantined and new refers to it; until then all of it counts as quarantined
    session.execute(
        "insert into ops.batches (batch_id, source, entity, as_of, extracted_at, rows_landed, rows_loaded, rows_new, "
        "rows_quarantined, bytes, manifest_sha256) values (%s, %s, %s, %s, %s, %s, 0, 0, %s, %s, %s)",
        [batch.batch_id, batch.source, batch.entity, batch.night, batch.extracted_at, batch.rows, batch.rows,
         batch.bytes, batch.sha256],
    )  # fmt: skip


def _reject(batch: Batch) -> sql.Composed:
    return sql.SQL(
        """
        insert into quarantine.rejected_rows (
            batch_id, row_no, source, entity, reason, column_name, value, payload, mapped
        )
        select {batch}, c.row_no, {source}, {entity}, c.problem[1], c.problem[2], c.problem[3],
            jsonb_strip_nulls(to_jsonb(l) - '{{_row_no,_phone}}'::text[]),
            jsonb_strip_nulls(to_jsonb(c) - '{{row_no,payload_hash,own_problem,problem}}'::text[])
        from checked_rows as c
        join landed_rows as l on l._row_no = c.row_no
        where c.problem is not null
        """
    ).format(**_names(batch))


def _state_when(batch: Batch) -> sql.Composed:
    """Keep the moment of a rejected statement with its zone, where it can be read."""
    return sql.SQL(
        """
        update quarantine.rejected_rows
        set mapped = mapped || jsonb_build_object('stated_at', cast(mapped ->> 'changed_at' as timestamptz))
        where batch_id = {batch} and mapped ->> 'changed_at' ~ {iso}
            and pg_input_is_valid(mapped ->> 'changed_at', 'timestamptz')
        """
    ).format(iso=sql.Literal(rowcheck.ISO_DATE), batch=sql.Literal(batch.batch_id))


def _move_cursor(session: psycopg.Connection, batch: Batch) -> None:
    # a night loaded late, after its successor, does not turn the cursor back
    session.execute(
        "insert into ops.cursors as c (source, entity, position, batch_id) values (%s, %s, %s, %s) "
        "on conflict (source, entity) do update set position = excluded.position, batch_id = excluded.batch_id "
        "where (select as_of from ops.batches where batch_id = c.batch_id) <= %s",
        [batch.source, batch.entity, json.dumps(batch.position), batch.batch_id, batch.as_of],
    )


def _names(batch: Batch) -> dict[str, sql.Literal]:
    return {
        "batch": sql.Literal(batch.batch_id),
        "source": sql.Literal(batch.source),
        "entity": sql.Literal(batch.entity),
    }
