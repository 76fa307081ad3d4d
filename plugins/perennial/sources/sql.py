"""SQL databases, through SQLAlchemy: any dialect it speaks.

    shop:
      kind: sql
      connection: shop            # an Airflow connection
      timezone: UTC               # how timestamps without a zone are meant
      overlap_days: 3
      entities:
        orders: {table: sales.orders, cursor: changed_at, columns: {order_id: order_no, ...}}

Rows changed since the stored cursor minus the overlap are streamed; a row without a cursor value is always read. All
entities of a source are read in one snapshot. Without `cursor` the entity is read whole every night.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from perennial.config.sources import Entity, Source
from perennial.connections import Connection
from perennial.errors import ConfigError, ContractError, RetriableError
from perennial.landing import Extract

ROWS_PER_TABLE = 20_000
SNAPSHOT_DIALECTS = ("postgresql", "mysql", "mariadb")


def open(
    name: str, source: Source, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the database; see the registry for the contract."""
    if connection is None:
        raise ConfigError(
            f"source '{name}': connection '{source.connection}' is not configured. "
            f"Set AIRFLOW_CONN_{source.connection.upper()} or create it in Airflow."
        )
    engine = sa.create_engine(connection.url(), pool_pre_ping=False)
    try:
        with engine.connect() as session:
            if engine.dialect.name in SNAPSHOT_DIALECTS:
                session = session.execution_options(isolation_level="REPEATABLE READ")
            for entity_name, entity in source.entities.items():
                yield (
                    entity_name,
                    _extract(name, source, entity_name, entity, session, positions.get(entity_name)),
                )
    except sa.exc.OperationalError as error:
        raise RetriableError(
            f"source '{name}': cannot read from '{connection.database}' at {connection.host}: "
            f"{str(error.orig).splitlines()[0]}"
        ) from None
    finally:
        engine.dispose()


def _extract(
    name: str,
    source: Source,
    entity_name: str,
    entity: Entity,
    session: sa.Connection,
    position: Any,
) -> Extract:
    relation = _relation(entity)
    since = _since(position, source.overlap_days)
    try:
        result = session.execution_options(stream_results=True).execute(*_select(relation, entity, since))
    except sa.exc.ProgrammingError as error:
        raise ContractError(
            f"source '{name}', entity '{entity_name}': {str(error.orig).splitlines()[0]}. "
            "Mend table, query, cursor or column names in config/sources.yml."
        ) from None
    columns = list(result.keys())
    wanted = {c.from_ for c in entity.columns.values() if c.from_} | ({entity.cursor} if entity.cursor else set())
    absent = sorted(wanted - set(columns))
    if absent:
        raise ContractError(
            f"source '{name}', entity '{entity_name}': no column '{absent[0]}' in {entity.table or 'the query'}; "
            f"it has {', '.join(columns)}. Mend config/sources.yml, or the source."
        )
    keep = [i for i, c in enumerate(columns) if c in wanted]
    newest = _Newest(columns.index(entity.cursor) if entity.cursor else None, position)
    return Extract(
        columns=[columns[i] for i in keep],
        tables=_tables(result, [columns[i] for i in keep], keep, newest),
        position=newest.position,
    )


def _relation(entity: Entity) -> sa.FromClause:
    if entity.query:
        return sa.text(entity.query.rstrip().rstrip(";")).columns().subquery("q")
    schema, _, table = entity.table.rpartition(".")
    return sa.table(table, schema=schema or None)


def _select(relation: sa.FromClause, entity: Entity, since: datetime | None) -> tuple[sa.Select, dict[str, Any]]:
    statement = sa.select(sa.text("*")).select_from(relation)
    if entity.cursor is None or since is None:
        return statement, {}
    cursor = sa.column(entity.cursor)
    return statement.where(sa.or_(cursor >= sa.bindparam("since"), cursor.is_(None))), {"since": since}


def _since(position: Any, overlap_days: float) -> datetime | None:
    if not position or not position.get("newest"):
        return None
    return datetime.fromisoformat(position["newest"]) - timedelta(days=overlap_days)


class _Newest:
    """Remembers the newest cursor value that passed; never falls behind the stored one."""

    def __init__(self, column: int | None, position: Any) -> None:
        self.column = column
        stored = (position or {}).get("newest")
        self.value = datetime.fromisoformat(stored) if stored else None

    def see(self, rows: list[Any]) -> None:
        values = [r[self.column] for r in rows if r[self.column] is not None] if self.column is not None else []
        if values and not isinstance(values[0], datetime):
            values = [datetime.fromisoformat(str(v)) for v in values]
        if values:
            self.value = max(values) if self.value is None else max(self.value, *values)

    def position(self) -> dict[str, Any]:
        return {"newest": self.value.isoformat() if self.value else None}


def _tables(result: sa.Result, names: list[str], keep: list[int], newest: _Newest) -> Iterator[pa.Table]:
    # partitions() without a size would return everything at once
    for rows in result.partitions(ROWS_PER_TABLE):
        newest.see(rows)
        columns = list(zip(*rows, strict=True))
        yield pa.table({name: pa.array(_texts(columns[i]), pa.string()) for name, i in zip(names, keep, strict=True)})


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
