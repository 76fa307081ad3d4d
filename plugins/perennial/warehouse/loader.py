"""Load a landed batch: COPY, check against the contract, append to `raw`, reject to quarantine. One transaction.

Loading a batch again changes nothing. A row that says what the newest version of the same id already says is
accepted and not stored twice, so overlaps cost no space. Always: landed = loaded + quarantined.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyarrow import csv

from perennial import landing
from perennial.errors import FatalError
from perennial.landing import Batch
from perennial.sources.base import Column as Origin
from perennial.sources.base import Settings
from perennial.warehouse import contract, rowcheck
from perennial.warehouse.database import connect

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
        and payload ->> '_file' in (select distinct _file from landed_rows)
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
        entity = contract.ENTITIES[batch.entity]
        mapping = source.entities[batch.entity]
        origins = mapping.columns
        unmapped = sorted(set(mapping.read) - set(batch.columns))
        if unmapped:
            raise FatalError(
                f"batch {batch.batch_id}: landed without column '{unmapped[0]}', which config/sources.yml maps now. "
                "Load it with the mapping it was landed with; the new one counts from the next night."
            )
        session.execute("select set_config('timezone', %s, true)", [source.timezone])
        session.execute("set local work_mem = '256MB'")  # sorts of a batch stay in memory
        _copy(session, batch)
        session.execute(rowcheck.checked_rows(entity, mapping, batch.columns, currencies, batch.extracted_at))
        session.execute("analyze checked_rows")
        counts = session.execute(
            "select count(*) as landed, count(*) filter (where problem is null) as loaded from checked_rows"
        ).fetchone()
        if counts["landed"] != batch.rows:
            raise FatalError(
                f"batch {batch.batch_id}: landed {batch.rows} rows, {counts['landed']} reached the warehouse"
            )
        _record(session, batch, counts["loaded"])
        session.execute(_reject(batch))
        if "changed_at" in origins:
            session.execute(_state_when(batch))
        new = session.execute(_append(entity, origins, batch)).rowcount
        session.execute("update ops.batches set rows_new = %s where batch_id = %s", [new, batch.batch_id])
        if batch.is_replay:
            session.execute(SETTLE, [batch.batch_id])
        else:
            _move_cursor(session, batch)
            if "_file" in batch.columns:
                told = {"batch": batch.batch_id, "source": batch.source, "entity": batch.entity}
                session.execute(REDELIVERED, told)
        session.execute("drop table landed_rows, checked_rows")
        return recorded(session, batch.batch_id)


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


def _copy(session: psycopg.Connection, batch: Batch) -> None:
    # rows that wait in quarantine are older than what the night itself delivers
    first = -batch.rows - 1 if batch.is_replay else 0
    copy_rows(session, batch.columns, landing.read(batch), first)


def copy_rows(
    session: psycopg.Connection, columns: Iterable[str], batches: Iterable[pa.RecordBatch], first: int = 0
) -> None:
    """Make `landed_rows` of rows whose columns are text; they are numbered from `first` + 1 on."""
    typed = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(c)) for c in columns)
    session.execute(sql.SQL("create temp table landed_rows (_row_no bigint, {}) on commit drop").format(typed))
    with session.cursor().copy("copy landed_rows from stdin with (format csv)") as copy:
        for rows in batches:
            copy.write(_as_csv(rows, first))
            first += rows.num_rows


def _as_csv(rows: pa.RecordBatch, first: int) -> memoryview:
    numbers = pa.array(range(first + 1, first + rows.num_rows + 1), pa.int64())
    # PostgreSQL has no NUL in text; U+FFFD marks the row for quarantine
    texts = [pc.replace_substring(column, "\0", "\ufffd") for column in rows.columns]
    table = pa.table([numbers, *texts], names=["_row_no", *rows.schema.names])
    buffer = io.BytesIO()
    # null is written as nothing and text in quotes, so COPY tells an empty text from null
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    return buffer.getbuffer()


def _record(session: psycopg.Connection, batch: Batch, loaded: int) -> None:
    session.execute(
        "insert into ops.batches (batch_id, source, entity, as_of, extracted_at, rows_landed, rows_loaded, rows_new, "
        "rows_quarantined, bytes, manifest_sha256) values (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s)",
        [batch.batch_id, batch.source, batch.entity, batch.night, batch.extracted_at, batch.rows, loaded,
         batch.rows - loaded, batch.bytes, batch.sha256],
    )  # fmt: skip


def _reject(batch: Batch) -> sql.Composed:
    return sql.SQL(
        """
        insert into quarantine.rejected_rows (
            batch_id, row_no, source, entity, reason, column_name, value, payload, mapped
        )
        select {batch}, c.row_no, {source}, {entity}, c.problem[1], c.problem[2], c.problem[3],
            jsonb_strip_nulls(to_jsonb(l) - '_row_no'),
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


def _append(entity: contract.Entity, origins: dict[str, Origin], batch: Batch) -> sql.Composed:
    """The insert of rows that differ from the version delivered just before them."""
    columns = [c for c in entity.columns if c.name in origins]
    key = sql.SQL(", ").join(sql.Identifier(k) for k in entity.key)
    parts = _names(batch) | {
        "table": sql.Identifier("raw", entity.name),
        "columns": sql.SQL(", ").join(sql.Identifier(c.name) for c in columns),
        "typed": sql.SQL(", ").join(rowcheck.typed(c, origins[c.name]) for c in columns),
        "key": key,
    }
    return sql.SQL(
        """
        with typed as (
            select row_no, payload_hash, {typed} from checked_rows where problem is null
        ),
        stored as (
            select distinct on ({key}) {key}, payload_hash as stored_hash
            from {table} as r
            where r.source = {source} and exists (select 1 from {table} where source = {source})
                and ({key}) in (select {key} from typed)
            order by {key}, r.loaded_at desc, r.row_no desc
        ),
        sequenced as (
            select typed.*, lag(payload_hash) over (partition by {key} order by row_no) as earlier_hash from typed
        )
        insert into {table} (source, {columns}, payload_hash, batch_id, row_no)
        select {source}, {columns}, payload_hash, {batch}, row_no
        from sequenced
        left join stored using ({key})
        where coalesce(earlier_hash, stored_hash) is distinct from payload_hash
        """
    ).format(**parts)


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
