"""Rows of a batch that passed, put into `raw`: those that say what the version before them says are left out.

Before a row is what the batch delivered of the same id earlier, else what was stored last. A source whose first batch
this is has nothing stored, so its rows go where they belong at once and what repeats is taken out again; others wait in
`typed_rows`.
"""

import psycopg
from psycopg import sql

from perennial.landing import Batch
from perennial.sources.base import Column as Origin
from perennial.warehouse import rowcheck
from perennial.warehouse.contract import Entity

KNOWN = "select from ops.batches where source = %s and entity = %s and rows_new > 0 limit 1"
WAITING = sql.Identifier("typed_rows")
FROM_CHECKED = """
    insert into {target} (source, {columns}, payload_hash, batch_id, row_no)
    select {source}, {typed}, payload_hash, {batch}, row_no from checked_rows where problem is null
"""
# what the version before says, of rows whose id others of the batch may have too
DROP_REPEATED = """
    delete from {table} as r using (
        select row_no, payload_hash = lag(payload_hash) over (partition by {key} order by row_no) as is_repeated
        from {table}
        where batch_id = {batch} and ({key}) in (
            select {key} from {table} where batch_id = {batch} and (row_no = any({repeated}) {or_checked})
        )
    ) as found
    where r.batch_id = {batch} and r.row_no = found.row_no and found.is_repeated
"""
APPEND = """
    with stored as (
        select distinct on ({key}) {key}, payload_hash as stored_hash
        from {table} as r
        where r.source = {source} and ({key}) in (select {key} from typed_rows)
        order by {key}, r.loaded_at desc, r.row_no desc
    ),
    sequenced as (
        select typed_rows.*, {earlier} as earlier_hash from typed_rows
    )
    insert into {table} (source, {columns}, payload_hash, batch_id, row_no)
    select sequenced.source, {columns}, payload_hash, batch_id, row_no
    from sequenced
    left join stored using ({key})
    where coalesce(earlier_hash, stored_hash) is distinct from payload_hash
"""


class Versions:
    """Where the rows of one batch are put; `is_first` if nothing of the source is stored."""

    def __init__(self, session: psycopg.Connection, batch: Batch, entity: Entity, origins: dict[str, Origin]) -> None:
        self._session, self.columns = session, [c for c in entity.columns if c.name in origins]
        self.is_first = session.execute(KNOWN, [batch.source, batch.entity]).fetchone() is None
        table = sql.Identifier("raw", entity.name)
        self.target = table if self.is_first else WAITING
        self._parts = {
            "table": table,
            "target": self.target,
            "columns": sql.SQL(", ").join(sql.Identifier(c.name) for c in self.columns),
            "typed": sql.SQL(", ").join(rowcheck.typed(c, origins[c.name]) for c in self.columns),
            "key": sql.SQL(", ").join(map(sql.Identifier, entity.key)),
            "source": sql.Literal(batch.source),
            "batch": sql.Literal(batch.batch_id),
        }

    def open(self) -> None:
        """Make the target ready."""
        if not self.is_first:
            like = sql.SQL("create temp table typed_rows (like {table} including defaults) on commit drop")
            self._session.execute(like.format(**self._parts))

    def put_checked(self) -> int:
        """Put what passed of `checked_rows` into the target; how many."""
        return self._do(FROM_CHECKED).rowcount

    def store(self, put: int, repeated: list[int], checked: int) -> int:
        """See to it that `raw` has every new version once, of `put` rows in the target; how many are new.

        `repeated` are the numbers of rows whose id others may have; of `checked` rows nothing is known.
        """
        if self.is_first:
            if not repeated and not checked:
                return put
            or_checked = "or row_no in (select row_no from checked_rows where problem is null)" if checked else ""
            dropped = self._do(DROP_REPEATED, repeated=sql.Literal(repeated), or_checked=sql.SQL(or_checked)).rowcount
            return put - dropped
        self._session.execute("analyze typed_rows")
        earlier = "lag(payload_hash) over (partition by {key} order by row_no)" if repeated or checked else "null::uuid"
        new = self._do(APPEND, earlier=sql.SQL(earlier).format(**self._parts)).rowcount
        self._session.execute("drop table typed_rows")
        return new

    def _do(self, statement: str, **more: sql.Composable) -> psycopg.Cursor:
        return self._session.execute(sql.SQL(statement).format(**self._parts, **more))
