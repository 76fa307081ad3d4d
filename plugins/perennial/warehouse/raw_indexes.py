"""Much put into a raw table at once: its indexes are made afterwards, which takes a fifth of filling them."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

MANY = 100_000
STORED = "select coalesce(sum(rows_new), 0) as stored from ops.batches where entity = %s"
SIZE = "select pg_relation_size(%s::regclass) as bytes"
INDEXES = """
    select format('%%I.%%I', n.nspname, c.relname) as name, pg_get_indexdef(i.indexrelid) as made
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_class as t on t.oid = i.indrelid
    where i.indrelid = %s::regclass and not i.indisunique and pg_has_role(t.relowner, 'usage')
"""


@contextmanager
def put_off(session: psycopg.Connection, entity: str, rows: int) -> Iterator[bool]:
    """Drop the indexes of `raw.<entity>` for the block if `rows` are many beside what is stored, and we own them.

    True if the table is as good as made in this transaction, so that rows can be copied frozen. Nobody else reads or
    fills it until the transaction ends, which must not have touched it before: whoever waits for all of a table while
    holding a part can wait for ever.
    """
    stored = session.execute(STORED, [entity]).fetchone()["stored"]
    indexes = []
    if rows >= MANY and rows * 3 >= stored:
        indexes = session.execute(INDEXES, [f"raw.{entity}"]).fetchall()
    for index in indexes:
        session.execute(sql.SQL("drop index {}").format(sql.SQL(index["name"])))
    is_empty = bool(indexes) and session.execute(SIZE, [f"raw.{entity}"]).fetchone()["bytes"] == 0
    if is_empty:  # a file without a byte holds no row; what follows need not be written twice then
        session.execute(sql.SQL("truncate {}").format(sql.Identifier("raw", entity)))
    yield is_empty
    for index in indexes:
        session.execute(sql.SQL(index["made"]))
