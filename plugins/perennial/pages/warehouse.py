"""The warehouse as the pages see it: one short connection per page, and nothing that goes on for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg

from perennial.pages import host
from perennial.warehouse import database

LONGEST = "20s"  # for one query
NIGHTS = """
    select as_of from ops.nights where build_started_at is not null order by as_of desc limit 60
"""


@contextmanager
def reading() -> Iterator[psycopg.Connection]:
    """One state of all tables; nothing can be written."""
    with database.connect(host.connection(database.NAME)) as session:
        session.read_only = True
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        _hurry(session)
        yield session


@contextmanager
def writing() -> Iterator[psycopg.Connection]:
    """A transaction that may write."""
    with database.connect(host.connection(database.NAME)) as session:
        _hurry(session)
        yield session


def nights(session: psycopg.Connection) -> list[date]:
    """The nights that were built, the newest first; none where there never was one."""
    if session.execute("select to_regclass('ops.nights') as found").fetchone()["found"] is None:
        return []
    return [row["as_of"] for row in session.execute(NIGHTS)]


def _hurry(session: psycopg.Connection) -> None:
    session.execute("select set_config('statement_timeout', %s, true)", [LONGEST])
