"""The fast way out of PostgreSQL: COPY to text, and that to Arrow, so that no value becomes a Python object.

It is taken where every column is of a type whose text says exactly what the other way says, within the same
transaction, and so the same snapshot. Anything else is fetched row by row.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from psycopg import pq
from psycopg import sql as pg
from pyarrow import csv

from perennial.ahead import ahead
from perennial.errors import FatalError
from perennial.sources.cursor import Cursor

BOOL, DATE, TIMESTAMP, TIMESTAMPTZ = 16, 1082, 1114, 1184
PLAIN = {BOOL, DATE, TIMESTAMP, TIMESTAMPTZ, 20, 21, 23, 26, 700, 701, 1700, 2950, 25, 1042, 1043, 19}
MOMENTS = {TIMESTAMP, TIMESTAMPTZ}
# enums and what extensions add as text, e.g. citext
TEXTS = "select oid from pg_type where oid = any(%s::oid[]) and typcategory in ('E', 'S')"
# the zone of the session stays: a query may depend on it
SETTINGS = "select set_config('datestyle', 'ISO', true), set_config('extra_float_digits', '3', true)"
ROWS_PER_TABLE, MOST_BYTES = 65_536, 16 << 20  # at once
PARSE = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)


def types_of(session: sa.Connection, result: sa.CursorResult) -> dict[str, int] | None:
    """The type of every column of a result; None if it does not come from PostgreSQL through psycopg."""
    if (session.dialect.name, session.dialect.driver) != ("postgresql", "psycopg"):
        return None
    return {column.name: column.type_code for column in result.cursor.description}


class Copy:
    """A statement that can be copied; `types` has the type of every column that it names."""

    def __init__(self, session: sa.Connection, keep: list[str], types: list[int], cursor: Cursor) -> None:
        self._session, self._keep, self._types, self._cursor = session, keep, types, cursor

    @classmethod
    def of(cls, session: sa.Connection, keep: list[str], types: dict[str, int] | None, cursor: Cursor) -> "Copy | None":
        """None where rows have to be fetched."""
        if types is None or not keep:
            return None
        found = [types[name] for name in keep]
        if cursor.column is not None and found[cursor.column] not in MOMENTS:
            return None
        odd = sorted(set(found) - PLAIN)
        if odd and len(_driver(session).execute(TEXTS, [odd]).fetchall()) < len(odd):
            return None
        return cls(session, keep, found, cursor)

    def tables(self, statement: sa.Select) -> Iterator[pa.Table]:
        """All rows."""
        driver = _driver(self._session)
        driver.execute(SETTINGS)
        query = statement.compile(
            # without parameters % is an ordinary character, so it must not be doubled
            dialect=sa.dialects.postgresql.dialect(paramstyle="named"),
            compile_kwargs={"literal_binds": True},
        )
        columns = pg.SQL(", ").join(
            self._expression(name, kind) for name, kind in zip(self._keep, self._types, strict=True)
        )
        command = pg.SQL("copy (select {} from ({}) as q) to stdout (format csv)").format(columns, pg.SQL(str(query)))
        for text, count in ahead(_pieces(driver, command)):
            yield self._table(text, count)

    def _expression(self, name: str, kind: int) -> pg.Composable:
        column = pg.Identifier(name)
        if kind == BOOL:  # as the other way says it, so that `values` mean the same
            return pg.SQL("case {} when true then 'True' when false then 'False' end").format(column)
        if kind == TIMESTAMPTZ:
            return pg.SQL("({} at time zone 'UTC') || 'Z'").format(column)
        return column

    def _table(self, text: bytearray, count: int) -> pa.Table:
        try:
            table = self._parsed(text)
        except pa.ArrowInvalid:  # a server without an encoding gives bytes that are no UTF-8
            table = self._parsed(text.decode("utf-8", "replace").encode())
        if table.num_rows != count:
            raise FatalError(f"{count:,} rows were copied, {table.num_rows:,} understood; nothing of them is landed")
        self._see(table)
        return table

    def _parsed(self, text: bytes | bytearray) -> pa.Table:
        read = csv.ReadOptions(column_names=self._keep, use_threads=False, block_size=max(len(text), 1 << 10))
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(self._keep, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return csv.read_csv(pa.py_buffer(text), read, PARSE, convert)

    def _see(self, table: pa.Table) -> None:
        """Tell the cursor the newest change. Texts of one zone are in the order of the moments they mean."""
        if self._cursor.column is None:
            return
        has_zone = self._types[self._cursor.column] == TIMESTAMPTZ
        changes = pc.utf8_rtrim(table.column(self._cursor.column), "Z")
        limit = self._cursor.limit.astimezone(UTC if has_zone else self._cursor.zone)
        possible = pc.match_substring_regex(changes, "^[0-9]{4}-[^a-zA-Z]*$")  # infinity is no moment
        past = pc.less_equal(changes, limit.strftime("%Y-%m-%d %H:%M:%S.%f"))
        if newest := pc.max(changes.filter(pc.and_(possible, past))).as_py():
            self._cursor.note(datetime.fromisoformat(newest + "+00:00" * has_zone))


def _pieces(driver: psycopg.Connection, command: pg.Composed) -> Iterator[tuple[bytearray, int]]:
    """The text of rows, and how many they are."""
    text, count = bytearray(), 0
    for line in _lines(driver, command.as_bytes(driver)):  # kept as objects, they would keep the collector busy
        text += line
        count += 1
        if count == ROWS_PER_TABLE or len(text) > MOST_BYTES:
            yield text, count
            text, count = bytearray(), 0
    if count:
        yield text, count


def _lines(driver: psycopg.Connection, command: bytes) -> Iterator[memoryview]:
    """Every row as it comes, by libpq itself: psycopg's own loop takes longer for a row than PostgreSQL does."""
    server = driver.pgconn
    _check(driver, server.exec_(command), pq.ExecStatus.COPY_OUT)
    is_over = False
    try:
        while True:
            size, line = server.get_copy_data(1)
            if size > 0:
                yield line
            elif size == 0:
                select.select([server.socket], [], [])
                server.consume_input()
            else:
                break
        is_over = True
    finally:
        if not is_over and server.status == pq.ConnStatus.OK:
            server.get_cancel().cancel()
            while server.get_copy_data(0)[0] > 0:
                pass
        results = list(iter(server.get_result, None))
    for result in results:
        _check(driver, result, pq.ExecStatus.COMMAND_OK)


def _check(driver: psycopg.Connection, result: pq.abc.PGresult | None, wanted: pq.ExecStatus) -> None:
    if result.status != wanted:
        raise psycopg.errors.error_from_result(result, encoding=driver.info.encoding)


def _driver(session: sa.Connection) -> psycopg.Connection:
    return session.connection.driver_connection


@contextmanager
def as_sqlalchemy() -> Iterator[None]:
    """What the driver raises by itself, as SQLAlchemy would pass it on."""
    try:
        yield
    except psycopg.Error as error:
        kind = next(getattr(sa.exc, c.__name__) for c in type(error).__mro__ if hasattr(sa.exc, c.__name__))
        raise kind("COPY", None, error) from None
