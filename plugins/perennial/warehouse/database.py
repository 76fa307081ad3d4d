"""Reach the warehouse: the connection `warehouse`, or the embedded server where none is configured."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from perennial import embedded, paths
from perennial.connections import Connection, configured
from perennial.errors import ConfigError, RetriableError

NAME = "warehouse"


def warehouse() -> Connection:
    """The warehouse's connection; ConfigError if it is not a PostgreSQL connection."""
    connection = configured(NAME) or embedded.connection(NAME)
    if connection.conn_type not in ("postgres", "postgresql"):
        raise ConfigError(
            f"connection '{NAME}': conn_type is '{connection.conn_type}'; accepted: postgres (version 16 or newer)"
        )
    return connection


def is_embedded() -> bool:
    """Whether the warehouse is the embedded server, so that we start and stop it."""
    return configured(NAME) is None


@contextmanager
def running(stay: bool = False) -> Iterator[None]:
    """A warehouse that can be reached: the embedded one is started for the block, and stopped unless `stay`."""
    if not is_embedded():
        yield
        return
    with embedded.session(stay=stay):
        embedded.ensure_database(NAME)
        yield


@contextmanager
def connect(connection: Connection | None = None) -> Iterator[psycopg.Connection]:
    """One transaction on the warehouse, rows as dicts; rolled back on any error. RetriableError if unreachable."""
    target = connection or warehouse()
    try:
        session = psycopg.connect(
            host=target.host,
            port=target.port or 5432,
            user=target.login,
            password=target.password or None,
            dbname=target.database,
            row_factory=dict_row,
            application_name="perennial",
            options="-c timezone=UTC",
            **{k: v for k, v in target.extra if k.startswith("ssl")},
        )
    except psycopg.OperationalError as error:
        raise RetriableError(
            f"cannot reach database '{target.database}' at {target.host or 'the default host'}: "
            f"{str(error).splitlines()[0]}. Is the server running, is the connection right?"
        ) from None
    with session:
        yield session


def migrate() -> None:
    """Apply sql/*.sql in order, each in a transaction; every statement is idempotent. Runs once at a time."""
    with connect() as session:
        session.execute("select pg_advisory_lock(hashtext('perennial.migrate'))")  # let go when the session ends
        session.execute("set client_min_messages = warning")
        session.commit()
        for file in sorted((paths.home() / "sql").glob("*.sql")):
            session.execute(file.read_text(encoding="utf-8"))
            session.commit()  # no table is locked for longer than its own file takes


def as_json(value: object) -> Jsonb:
    """A value for a jsonb column."""
    return Jsonb(value)
