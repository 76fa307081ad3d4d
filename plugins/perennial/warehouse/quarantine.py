"""Rejected rows, looked at again: what today's mapping and contract accept is landed and loaded like any other row.

A replay is a batch of its own, `landing/<source>/<entity>/<as_of>.replay-<n>`, of the first night that is not begun: it
counts from that night on, and past nights stay what they were. Its rows keep what the source delivered. A row is judged
by the clock of the batch it came with, so one dated in the future does not become right by waiting. A row of which the
source delivered something newer is settled, and stays where it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg
import pyarrow as pa
from psycopg import sql

from perennial import landing
from perennial.config.sources import Source, Sources
from perennial.errors import ConfigError
from perennial.landing import Extract
from perennial.runs import exclusively
from perennial.warehouse import contract, loader, rowcheck
from perennial.warehouse.database import connect

ROWS_PER_TABLE = 20_000
UNREADABLE = ["unreadable_line", "unreadable_file"]  # only the source can mend these, by delivering the file again

OPEN = """
    select r.source, r.entity, r.reason, r.column_name, count(*) as rows,
        min(b.as_of) as first_on, max(b.as_of) as last_on
    from quarantine.rejected_rows as r join ops.batches as b using (batch_id)
    where r.replayed_in is null group by 1, 2, 3, 4 order by rows desc, 1, 2, 3, 4
"""
ROWS = """
    select r.source, r.entity, r.batch_id, r.row_no, r.reason, r.column_name, r.value, r.payload ->> '_file' as file,
        r.payload ->> '_line' as line
    from quarantine.rejected_rows as r
    where r.replayed_in is null and r.source = %s and (%s::text is null or r.entity = %s)
        and (%s::text is null or r.reason = %s)
    order by r.batch_id desc, r.row_no limit %s
"""
WAITING = """
    select r.entity, r.batch_id, b.extracted_at, count(*) as rows
    from quarantine.rejected_rows as r join ops.batches as b using (batch_id)
    where r.replayed_in is null and r.reason <> all(%s) and r.source = %s and (%s::text is null or r.entity = %s)
    group by 1, 2, 3, b.as_of order by 1, b.as_of, 2
"""


@dataclass(frozen=True)
class Replayed:
    """What became of the rejected rows of an entity: loaded now, settled by something newer, rejected as before."""

    entity: str
    batch_id: str | None
    loaded: int
    settled: int
    still: int


def replay(source: str, entity: str | None, settings: Sources) -> tuple[date, list[Replayed]]:
    """Load what is accepted now of the rejected rows of a source; the night from which they count, and the counts.

    ConfigError for a source or entity that is not configured.
    """
    if source not in settings.sources:
        raise ConfigError(f"no source '{source}' in config/sources.yml; it has {', '.join(settings.sources)}")
    mapped = settings.sources[source]
    if entity and entity not in mapped.entities:
        raise ConfigError(f"source '{source}' has no entity '{entity}'; it has {', '.join(mapped.entities)}")
    with exclusively("marts"), exclusively(f"extract.{source}"):
        counts_from = _next_night()
        names = [entity] if entity else list(mapped.entities)
        return counts_from, [_replayed(source, name, mapped, settings, counts_from) for name in names]


def _next_night() -> date:
    with connect() as session:
        newest = session.execute("select max(as_of) as as_of from ops.nights").fetchone()["as_of"]
    if newest is None:
        raise ConfigError("no night has been opened yet, so nothing is quarantined; run `perennial nightly` first")
    return newest + timedelta(days=1)


def _replayed(source: str, entity: str, mapped: Source, settings: Sources, counts_from: date) -> Replayed:
    currencies = settings.business.currencies
    good: dict[str, list[int]] = {}
    settled = rejected = 0
    with connect() as session:
        waiting = session.execute(WAITING, [UNREADABLE, source, entity, entity]).fetchall()
        for batch in waiting:
            numbers, newer = _accepted(session, source, entity, mapped, currencies, batch)
            rejected += batch["rows"] - len(numbers) - newer
            settled += newer
            if numbers:
                good[batch["batch_id"]] = numbers
        if not good:
            return Replayed(entity, None, 0, settled, rejected)
        name = f"{counts_from}.replay-{_number(session, source, entity)}"
        columns = _columns(session, source, entity, mapped)
        extract = Extract([*columns, *loader.REJECTED_AS], _tables(session, good, columns), dict)
        landed = landing.write(source, entity, name, extract)
    done = loader.load(landed, mapped, currencies)
    return Replayed(entity, landed.batch_id, done.loaded, settled, rejected)


def _accepted(
    session: psycopg.Connection, source: str, entity: str, mapped: Source, currencies: tuple[str, ...], batch: dict
) -> tuple[list[int], int]:
    """Which rejected rows of a batch are right by today's rules, and how many of them something newer settled."""
    contracted, mapping = contract.ENTITIES[entity], mapped.entities[entity]
    columns = _columns(session, source, entity, mapped)
    fields = sql.SQL(", ").join(
        sql.SQL("payload ->> {} as {}").format(sql.Literal(c), sql.Identifier(c)) for c in columns
    )
    session.execute("drop table if exists landed_rows, checked_rows")
    session.execute("select set_config('timezone', %s, true)", [mapped.timezone])
    session.execute(
        sql.SQL(
            "create temp table landed_rows on commit drop as select row_no as _row_no, {} "
            "from quarantine.rejected_rows where batch_id = {} and replayed_in is null and reason <> all({})"
        ).format(fields, sql.Literal(batch["batch_id"]), sql.Literal(UNREADABLE))
    )
    session.execute(rowcheck.checked_rows(contracted, mapping, columns, currencies, batch["extracted_at"].isoformat()))
    rows = session.execute(_newer(contracted, mapping.columns, source, batch["batch_id"])).fetchall()
    numbers = [row["row_no"] for row in rows if not row["newer"]]
    return numbers, len(rows) - len(numbers)


def _newer(contracted: contract.Entity, origins: dict, source: str, batch_id: str) -> sql.Composed:
    """Accepted rows, and whether a later night delivered the same id; versions with a date sort themselves out."""
    if contracted.version in origins:
        return sql.SQL("select row_no, false as newer from checked_rows where problem is null order by row_no")
    same = sql.SQL(" and ").join(sql.SQL("r.{0} = typed.{0}").format(sql.Identifier(key)) for key in contracted.key)
    typed = sql.SQL(", ").join(
        rowcheck.typed(c, origins[c.name]) for c in contracted.columns if c.name in contracted.key
    )
    return sql.SQL(
        """
        with typed as (select row_no, {typed} from checked_rows where problem is null)
        select row_no, exists (
            select from {table} as r
            join ops.batches as later on r.batch_id = later.batch_id
            join ops.batches as own on own.batch_id = {batch}
            where r.source = {source} and {same} and (later.as_of, r.row_no) > (own.as_of, typed.row_no)
        ) as newer
        from typed order by row_no
        """
    ).format(
        typed=typed,
        table=sql.Identifier("raw", contracted.name),
        batch=sql.Literal(batch_id),
        source=sql.Literal(source),
        same=same,
    )


def _columns(session: psycopg.Connection, source: str, entity: str, mapped: Source) -> list[str]:
    """What was delivered with any rejected row, and what is mapped now."""
    found = session.execute(
        "select distinct jsonb_object_keys(payload) as name from quarantine.rejected_rows "
        "where source = %s and entity = %s and replayed_in is null",
        [source, entity],
    ).fetchall()
    return list(dict.fromkeys([*mapped.entities[entity].read, *sorted(row["name"] for row in found)]))


def _number(session: psycopg.Connection, source: str, entity: str) -> int:
    count = "select count(*) as n from ops.batches where source = %s and entity = %s and batch_id like '%%.replay-%%'"
    return session.execute(count, [source, entity]).fetchone()["n"] + 1


def _tables(session: psycopg.Connection, good: dict[str, list[int]], columns: list[str]) -> Iterator[pa.Table]:
    for batch_id, numbers in good.items():
        for start in range(0, len(numbers), ROWS_PER_TABLE):
            found = session.execute(
                "select payload, row_no::text from quarantine.rejected_rows "
                "where batch_id = %s and row_no = any(%s) order by row_no",
                [batch_id, numbers[start : start + ROWS_PER_TABLE]],
            ).fetchall()
            table = {c: [row["payload"].get(c) for row in found] for c in columns}
            table |= dict(zip(loader.REJECTED_AS, ([batch_id] * len(found), [r["row_no"] for r in found]), strict=True))
            yield pa.table({c: pa.array(values, pa.string()) for c, values in table.items()})
