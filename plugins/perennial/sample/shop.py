"""Plays the online shop: brings its own Postgres database to the end of a business day.

Time only moves forward. A step writes what happened since the last one, as the shop's application
would have: new rows, and cancelled orders changed in place. Many small steps end where one large
step ends.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.sample.world import World, day_end

SCHEMA = Path(__file__).with_name("shop.sql")
# In the order of their references.
TABLES = {
    "customers": ["customer_no"],
    "orders": ["order_no"],
    "order_items": ["order_no", "line_no"],
    "refunds": ["refund_no"],
    "consents": ["consent_no"],
}
# Rows turned into text at a time; the text of all items at once would take 100 MB.
CHUNK = 100_000


def sync(connection: Connection, world: World, until: date) -> dict[str, int | date]:
    """Bring schema `sales` to the end of business day `until`.

    Returns the day the shop stands at (later than `until` if it was further already), the number of
    rows of each table and, as `written`, how many rows this call inserted or changed.
    """
    with _connect(connection) as database, database.cursor() as cursor:
        # Held to the end of the transaction, so that two callers take turns.
        cursor.execute("select pg_advisory_xact_lock(hashtext('perennial sample shop'))")
        cursor.execute("set local client_min_messages = warning")
        _refuse_strangers(cursor, connection)
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
        stands = cursor.execute("select max(until) from sales.sample_clock").fetchone()[0]
        written = 0
        if stands is None or stands < until:
            for table, frame in _happened(world, stands, until):
                written += _write(cursor, table, frame)
            cursor.execute("delete from sales.sample_clock")
            cursor.execute("insert into sales.sample_clock values (%s)", [until])
            stands = until
        counts = {}
        for table in TABLES:
            query = sql.SQL("select count(*) from sales.{}").format(sql.Identifier(table))
            counts[table] = cursor.execute(query).fetchone()[0]
        return {"until": stands, "written": written, **counts}


def _connect(connection: Connection) -> psycopg.Connection:
    secured = {k: v for k, v in connection.extra if k in ("sslmode", "sslrootcert")}
    try:
        return psycopg.connect(
            host=connection.host or None,
            port=connection.port,
            user=connection.login or None,
            password=connection.password or None,
            dbname=connection.database or None,
            **secured,
        )
    except psycopg.OperationalError as error:
        raise RetriableError(
            f"sample: the shop's database '{connection.database}' at '{connection.host}' cannot be "
            "reached. Start it or correct the connection 'shop' (AIRFLOW_CONN_SHOP)."
        ) from error


def _refuse_strangers(cursor: psycopg.Cursor, connection: Connection) -> None:
    """Refuse a database whose schema `sales` is not ours: it may be somebody's real shop."""
    cursor.execute("select to_regnamespace('sales'), to_regclass('sales.sample_clock')")
    schema, clock = cursor.fetchone()
    if schema and not clock:
        raise ConfigError(
            f"sample: database '{connection.database}' has a schema 'sales' that the sample did "
            "not make; nothing was written. Point the connection 'shop' (AIRFLOW_CONN_SHOP) to an "
            "empty database, or leave it out to use the embedded server."
        )


def _happened(world: World, after: date | None, until: date) -> Iterator[tuple[str, pd.DataFrame]]:
    """Per table the rows that are new or changed, as they are at the end of `until`."""
    start = day_end(after) if after else pd.Timestamp.min.tz_localize("UTC")
    end = day_end(until)

    def within(moments: pd.Series) -> pd.Series:
        return (moments >= start) & (moments < end)

    for table in TABLES:
        frame: pd.DataFrame = getattr(world, table)
        if table == "orders":
            frame = frame[within(frame["placed_at"]) | within(frame["cancelled_at"])]
            frame = _before_cancelling(frame, end)
        else:
            frame = frame[within(frame["changed_at"])]
        yield table, frame


def _before_cancelling(orders: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """The orders as known at `end`: what is cancelled later is still placed."""
    still = orders["cancelled_at"] >= end
    return orders.assign(
        status=orders["status"].mask(still, "placed"),
        cancelled_at=orders["cancelled_at"].mask(still),
        changed_at=orders["changed_at"].mask(still, orders["placed_at"]),
    )


def _write(cursor: psycopg.Cursor, table: str, frame: pd.DataFrame) -> int:
    """Insert the rows or change those already there; returns how many."""
    names = {
        "table": sql.Identifier("sales", table),
        "incoming": sql.Identifier(f"incoming_{table}"),
        "columns": _list(frame.columns),
        "key": _list(TABLES[table]),
        "changes": sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in frame.columns.drop(TABLES[table])
        ),
    }

    def run(text: str) -> None:
        cursor.execute(sql.SQL(text).format(**names))

    run("select exists (select from {table})")
    # Nothing to compare with: the million items of a first sync are far quicker this way.
    if not cursor.fetchone()[0]:
        return _copy(cursor, sql.SQL("{table} ({columns})").format(**names), frame)
    run("create temp table {incoming} (like {table}) on commit drop")
    _copy(cursor, sql.SQL("{incoming} ({columns})").format(**names), frame)
    run("insert into {table} ({columns}) select {columns} from {incoming} on conflict ({key}) do update set {changes}")
    return cursor.rowcount


def _copy(cursor: psycopg.Cursor, target: sql.Composed, frame: pd.DataFrame) -> int:
    with cursor.copy(sql.SQL("copy {} from stdin (format csv)").format(target)) as copy:
        for text in _as_csv(frame):
            copy.write(text)
    return cursor.rowcount


def _list(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _as_csv(frame: pd.DataFrame) -> Iterator[memoryview]:
    """The rows as CSV text in pieces; nothing between two commas means null."""
    options = pa.csv.WriteOptions(include_header=False)
    for start in range(0, len(frame), CHUNK):
        piece = frame.iloc[start : start + CHUNK]
        for name in piece.select_dtypes("category").columns:
            piece = piece.assign(**{name: piece[name].astype("str")})
        target = io.BytesIO()
        pa.csv.write_csv(pa.Table.from_pandas(piece, preserve_index=False), target, options)
        yield target.getbuffer()
