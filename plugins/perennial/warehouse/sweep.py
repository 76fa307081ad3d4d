"""The weekly sweep, second half: the ids that a source has against those that we know.

Nothing is changed by it. Why an id is gone nobody here can know: see docs/decisions/0024-what-is-gone-is-told.md.
"""

from datetime import date

import psycopg
from psycopg import sql

from perennial import landing
from perennial.landing import Batch
from perennial.progress import say
from perennial.sources.base import MAY_BE_UNKNOWN, Settings
from perennial.sources.base import Column as Origin
from perennial.sources.sweep import batch_of
from perennial.warehouse import contract, landed_rows, rowcheck
from perennial.warehouse.database import connect
from perennial.warehouse.masking import CONTACTS

LISTED = 10_000
DONE = "select 1 from ops.sweeps where as_of = %s and source = %s and entity = %s"

SWEPT = """
    create temp table swept_ids on commit drop as
    select key, min(earliest) as earliest, bool_and(may_be_unknown) as may_be_unknown
    from (
        select {swept} as key, {there_since} as earliest, {may_be_unknown} as may_be_unknown from landed_rows
    ) as ids
    where array_position(key, null) is null
    group by key
"""
KNOWN = """
    create temp table known_ids on commit drop as
    select {known} as key, {here_since} as earliest, min(b.as_of) < {as_of} and not bool_or({is_hidden}) as is_expected
    from {table} as r join ops.batches as b using (batch_id)
    where r.source = {source} and b.as_of <= {as_of}
    group by 1
"""
# an order's lines and refunds are hidden with it
HIDDEN = """
    r.order_id in (
        select order_id from raw.orders where source = {source} group by order_id having min(ordered_at) < {moment}
    )
"""
# sales that nobody paid for, and the like: whether a night told of one depends on when that was
TOLD = """
    delete from swept_ids as s where may_be_unknown and not exists (select from known_ids as k where k.key = s.key)
"""
# a row that was rejected is no gap: the quarantine tells of it
REJECTED = """
    create temp table rejected_ids on commit drop as
    select distinct {rejected} as key
    from quarantine.rejected_rows as q join ops.batches as b using (batch_id)
    where q.source = {source} and q.entity = {entity} and b.as_of <= {as_of}
"""
FINDINGS = """
    create temp table findings on commit drop as
    select 'gone' as finding, key from known_ids as k
    where is_expected and not exists (select from swept_ids as s where s.key = k.key)
    union all
    select 'unseen', key from swept_ids as s
    where not exists (select from known_ids as k where k.key = s.key)
        and not exists (select from rejected_ids as r where r.key = s.key)
"""
NO_MOMENT = sql.SQL("null::timestamptz")
COUNT = """
    insert into ops.sweeps
    select {as_of}, {source}, {entity}, there.rows, here.rows, there.earliest, here.earliest, missing.gone,
        missing.unseen
    from (select count(*) as rows, min(earliest) as earliest from swept_ids) as there,
        (select count(*) as rows, min(earliest) as earliest from known_ids where is_expected) as here,
        (
            select count(*) filter (where finding = 'gone') as gone,
                count(*) filter (where finding = 'unseen') as unseen
            from findings
        ) as missing
"""
LIST = """
    insert into ops.swept_rows
    select distinct {as_of}, {source}, {entity}, finding,
        array(
            select case when {contact} or part like '%@%' then left(part, 1) || '***' else part end
            from unnest(key) as part
        )
    from (
        select finding, key, row_number() over (partition by finding order by key) as place from findings
    ) as numbered
    where place <= {listed}
"""


def compare(name: str, source: Settings, as_of: date) -> None:
    """Record what the sweep of the night found, once; nothing where no ids were landed."""
    for entity in source.entities:
        batch = landing.find(name, entity, batch_of(as_of))
        if batch is None:
            continue
        with connect() as session:
            if session.execute(DONE, [as_of, name, entity]).fetchone() is None:
                _compare(session, batch, source, as_of)


def _compare(session: psycopg.Connection, batch: Batch, source: Settings, as_of: date) -> None:
    entity, origins = contract.ENTITIES[batch.entity], source.entities[batch.entity].columns
    session.execute("select set_config('timezone', %s, true)", [source.timezone])
    landed_rows.copy_rows(session, batch.columns, landing.read(batch))
    parts = {
        "as_of": sql.Literal(as_of),
        "source": sql.Literal(batch.source),
        "entity": sql.Literal(batch.entity),
        "table": sql.Identifier("raw", batch.entity),
        "contact": sql.Literal(_is_contact(entity, origins)),
        "listed": sql.Literal(LISTED),
        "swept": _key([_normal(c, rowcheck.mapped(origins[c.name])) for c in entity.columns if c.name in entity.key]),
        "known": _key([sql.SQL("r.{}::text").format(sql.Identifier(key)) for key in _ordered(entity)]),
        "rejected": _key([sql.SQL("q.mapped ->> {}").format(sql.Literal(key)) for key in _ordered(entity)]),
        "there_since": _earliest(entity, origins),
        "may_be_unknown": sql.SQL(f"{MAY_BE_UNKNOWN} is not null" if MAY_BE_UNKNOWN in batch.columns else "false"),
        "is_hidden": _hidden(batch, entity),
        "here_since": sql.SQL("min(r.{})").format(sql.Identifier(entity.dated)) if entity.dated else NO_MOMENT,
    }
    for statement in (SWEPT, KNOWN, TOLD, REJECTED, FINDINGS, COUNT, LIST):
        session.execute(sql.SQL(statement).format(**parts))
    _tell(session, batch, as_of)


def _hidden(batch: Batch, entity: contract.Entity) -> sql.Composable:
    """Whether a known row is too old for its source to show."""
    before = batch.position.get("hidden_before")
    if before is None or "order_id" not in {column.name for column in entity.columns}:
        return sql.SQL("false")
    return sql.SQL(HIDDEN).format(source=sql.Literal(batch.source), moment=sql.Literal(before))


def _is_contact(entity: contract.Entity, origins: dict[str, Origin]) -> bool:
    """Whether an id of that source is an address or a number at which somebody can be reached."""
    contacts = {origins[name].from_ for name in CONTACTS if name in origins}
    return any(origins[key].from_ in contacts and origins[key].as_ != "email_key" for key in entity.key)


def _ordered(entity: contract.Entity) -> list[str]:
    return [column.name for column in entity.columns if column.name in entity.key]


def _key(parts: list[sql.Composable]) -> sql.Composed:
    return sql.SQL("array[{}]::text[]").format(sql.SQL(", ").join(parts))


def _normal(column: contract.Column, text: sql.Composable) -> sql.Composable:
    """An id as raw has it: line 01 is line 1."""
    if column.type != "whole":
        return text
    return sql.SQL("case when pg_input_is_valid({0}, 'bigint') then ({0})::bigint::text else {0} end").format(text)


def _earliest(entity: contract.Entity, origins: dict[str, Origin]) -> sql.Composable:
    if not entity.dated:
        return NO_MOMENT
    text = rowcheck.mapped(origins[entity.dated])
    return sql.SQL("case when {0} ~ {1} and pg_input_is_valid({0}, 'timestamptz') then ({0})::timestamptz end").format(
        text, sql.Literal(rowcheck.ISO_DATE)
    )


def _tell(session: psycopg.Connection, batch: Batch, as_of: date) -> None:
    found = session.execute(
        "select * from ops.sweeps where as_of = %s and source = %s and entity = %s", [as_of, batch.source, batch.entity]
    ).fetchone()
    there, here = f"{found['source_rows']:,} ids there", f"{found['known_rows']:,} known here"
    missing = f"{found['gone_rows']:,} gone, {found['unseen_rows']:,} never seen"
    say(f"load {batch.source}: sweep of {batch.entity}: {there}, {here}; {missing}")
