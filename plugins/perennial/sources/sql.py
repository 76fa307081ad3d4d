"""SQL databases, through SQLAlchemy: any dialect whose driver is installed.

    shop:
      kind: sql
      connection: shop            # an Airflow connection
      timezone: UTC               # how timestamps without a zone are meant
      overlap_days: 3
      entities:
        orders: {table: sales.orders, cursor: changed_at, columns: {order_id: order_no, ...}}

Rows changed since the stored cursor minus the overlap are streamed, out of PostgreSQL by COPY; a row without a cursor
value is always read. All entities of a source are read in one snapshot; sessions of MySQL and MariaDB are in UTC, so a
query that makes moments there, such as from_unixtime, has to have `timezone: UTC`. Without `cursor` the entity is read
whole every night. Once a week all ids are held against ours: `sweep` and `may_miss`, see sweep.py. Errors name what
went wrong and never quote what the database said: it quotes values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa
import sqlalchemy as sa

from perennial.connections import Connection
from perennial.entry import Identifier
from perennial.errors import ConfigError, ContractError, RetriableError
from perennial.landing import Extract
from perennial.sources import base, mysql_rows
from perennial.sources.base import Entity
from perennial.sources.cursor import Cursor
from perennial.sources.postgres_copy import Copy, as_sqlalchemy, types_of

ROWS_PER_TABLE = 20_000
SNAPSHOT_DIALECTS = ("postgresql", "mysql", "mariadb")


class Settings(base.SweptSettings):
    """Which database, and which of its tables."""

    kind: Literal["sql"]
    connection: Identifier

    def _check_entity(self, name: str, entity: Entity) -> None:
        super()._check_entity(name, entity)
        if (entity.table is None) == (entity.query is None):
            raise ValueError(f"entities.{name}: needs either 'table' or 'query'")


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the database; see the registry for the contract."""
    engine = engine_of(name, source.connection, connection)
    try:
        with _faults(f"source '{name}', database '{connection.database}' at {connection.host or 'this machine'}"):
            session = engine.connect()
        with session:
            if engine.dialect.name in SNAPSHOT_DIALECTS:
                session = session.execution_options(isolation_level="REPEATABLE READ")
            with _faults(f"source '{name}'"):
                mysql_rows.prepare(session)
            for entity_name, entity in source.entities.items():
                what = f"source '{name}', entity '{entity_name}'"
                yield entity_name, _extract(what, source, entity, session, positions.get(entity_name))
    finally:
        engine.dispose()


def ids(name: str, source: Settings, connection: Connection | None, as_of: date) -> Iterator[tuple[str, Extract]]:
    """Yield the ids of every entity; see the registry for the contract."""
    yield from open(name, source, connection, {}, as_of)


def columns_of(what: str, engine: sa.Engine, table: str) -> dict[str, sa.types.TypeEngine]:
    """The columns of a table and their types, in order; ConfigError with the tables there are if it is none of them."""
    schema, _, name = table.rpartition(".")
    with _faults(what):
        looked = sa.inspect(engine)
        if looked.has_table(name, schema or None):
            return {column["name"]: column["type"] for column in looked.get_columns(name, schema or None)}
        there = sorted(looked.get_table_names(schema or None))
    raise ConfigError(f"{what}: no table '{table}'; there are {', '.join(there[:20]) or 'none'} in that schema.")


def values_of(what: str, engine: sa.Engine, table: str, column: str, most: int = 50) -> list[str]:
    """What stands in a column, as text, each value once; ConfigError if there is more than can be mapped one by one."""
    with _faults(what), engine.connect() as session:
        found = list(session.scalars(_filled(table, column).distinct().limit(most + 1)))
    if len(found) > most:
        raise ConfigError(
            f"{what}: '{column}' has more than {most} different values, too many to be mapped one by one. "
            "Name another column with --map, or give what it always is with --constant."
        )
    return sorted(_texts(tuple(found)))


def some_of(what: str, engine: sa.Engine, table: str, column: str, most: int = 1000) -> list[str]:
    """What stands in some rows of a column, as text."""
    with _faults(what), engine.connect() as session:
        return _texts(tuple(session.scalars(_filled(table, column).limit(most))))


def _filled(table: str, column: str) -> sa.Select:
    schema, _, name = table.rpartition(".")
    chosen = sa.column(column)
    return sa.select(chosen).select_from(sa.table(name, schema=schema or None)).where(chosen.is_not(None))


def engine_of(name: str, connection_name: str, connection: Connection | None) -> sa.Engine:
    """The database of a source; ConfigError if the connection or its driver is missing."""
    if connection is None:
        raise ConfigError(
            f"source '{name}': connection '{connection_name}' is not configured. "
            f"Set AIRFLOW_CONN_{connection_name.upper()}; one that was made in Airflow is known to its tasks only."
        )
    try:
        return sa.create_engine(connection.url())
    except (sa.exc.NoSuchModuleError, sa.exc.ArgumentError, ImportError):
        raise ConfigError(
            f"source '{name}': no driver for conn_type '{connection.conn_type}'. Install its SQLAlchemy driver beside "
            "Perennial, or name it, e.g. mysql+pymysql; postgres and sqlite are there."
        ) from None


@contextmanager
def _faults(what: str) -> Iterator[None]:
    """Translate what a driver raises; its message may quote rows, so only its class and code are told."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
        told = f"{what}: {type(error.orig).__name__} ({code or 'no code'})"
        # MySQL calls operational what is a mistake of the query, such as an unknown column: class 42
        passing = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) and not str(code).startswith("42")
        if passing or error.connection_invalidated:
            raise RetriableError(f"{told}. Is the database reachable, are host and credentials right?") from None
        raise ContractError(f"{told}. Mend table, query, cursor or columns in config/sources.yml.") from None


def _extract(what: str, source: Settings, entity: Entity, session: sa.Connection, stored: Any) -> Extract:
    with _faults(f"{what} ({entity.table or 'its query'})"):
        cursor = Cursor(what, None, source.timezone, stored)
        looked = session.execute(_select(entity, sa.text("*")).where(sa.false()))
        columns, types = list(looked.keys()), types_of(session, looked)
        moments = mysql_rows.moments(session, looked)
    wanted = set(entity.read) | ({entity.cursor} if entity.cursor else set())
    twice = sorted(c for c in wanted if columns.count(c) > 1)
    if twice:
        raise ContractError(f"{what}: column '{twice[0]}' stands twice in the query. Give each its own name.")
    absent = sorted(wanted - set(columns))
    if absent:
        raise ContractError(
            f"{what}: no column '{absent[0]}' in {entity.table or 'the query'}; it has {', '.join(columns)}. "
            "Mend config/sources.yml, or the source."
        )
    keep = [column for column in columns if column in wanted]
    cursor.column = keep.index(entity.cursor) if entity.cursor else None
    statement, since = _select(entity, *map(sa.column, keep)), cursor.since(source.overlap_days)
    if entity.cursor and since:
        changed = sa.column(entity.cursor)
        since = mysql_rows.as_stored(since, entity.cursor in moments)
        statement = statement.where(sa.or_(changed >= sa.bindparam("since", since), changed.is_(None)))
    with _faults(what):
        fast = Copy.of(session, keep, types, cursor)
    in_utc = [n for n, column in enumerate(keep) if column in moments]
    tables = _copied(what, fast, statement) if fast else _tables(what, session, statement, keep, cursor, in_utc)
    notes = _drift(columns, (stored or {}).get("columns"))
    return Extract(keep, tables, lambda: cursor.position() | {"columns": columns}, notes)


def _drift(columns: list[str], before: list[str] | None) -> list[str]:
    """What changed since the last night in a table or query, beside the columns that are mapped: those fail."""
    if before is None:
        return []
    new, gone = [c for c in columns if c not in before], [c for c in before if c not in columns]
    notes = [f"new columns, not read: {', '.join(new)}; map them in config/sources.yml if they matter"] if new else []
    return notes + ([f"columns that are gone, and were not read: {', '.join(gone)}"] if gone else [])


def _select(entity: Entity, *columns: Any) -> sa.Select:
    if entity.query:
        relation = sa.text(entity.query.rstrip().rstrip(";")).columns().subquery("q")
    else:
        schema, _, table = entity.table.rpartition(".")
        relation = sa.table(table, schema=schema or None)
    return sa.select(*columns).select_from(relation)


def _copied(what: str, fast: Copy, statement: sa.Select) -> Iterator[pa.Table]:
    tables = fast.tables(statement)
    while True:
        with _faults(what), as_sqlalchemy():
            table = next(tables, None)
        if table is None:
            return
        yield table


def _tables(
    what: str, session: sa.Connection, statement: sa.Select, keep: list[str], cursor: Cursor, in_utc: list[int]
) -> Iterator[pa.Table]:
    with _faults(what):
        result = session.execution_options(stream_results=True).execute(statement)
    # partitions() without a size would return everything at once
    partitions = result.partitions(ROWS_PER_TABLE)
    while True:
        with _faults(what):
            rows = next(partitions, None)
        if rows is None:
            return
        rows = mysql_rows.with_zone(rows, in_utc)
        cursor.see(rows)
        columns = zip(*rows, strict=True)
        yield pa.table({name: pa.array(_texts(v), pa.string()) for name, v in zip(keep, columns, strict=True)})


def _texts(values: tuple[Any, ...]) -> list[str | None]:
    return [v if v is None or type(v) is str else _text(v) for v in values]


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    return str(value)
