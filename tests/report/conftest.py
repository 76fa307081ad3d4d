"""The report of a small night and of an empty warehouse, each drawn once."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import report_warehouse

from perennial import config
from perennial.connections import Connection
from perennial.report.build import build
from perennial.warehouse import database


@contextmanager
def _database(server: Connection, name: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"create database {name} template template")
        try:
            with database.connect(Connection("postgres", server.host, server.port, server.login, database=name)) as own:
                yield own
        finally:
            admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def small(server: Connection) -> Iterator[psycopg.Connection]:
    """A warehouse with a few rows of everything."""
    with _database(server, "report_small") as session:
        report_warehouse.fill(session)
        session.commit()
        yield session


@pytest.fixture(scope="session")
def page(small: psycopg.Connection) -> str:
    """The report of its night."""
    return build(small, config.load(), report_warehouse.NIGHT)


@pytest.fixture(scope="session")
def empty_page(server: Connection) -> Iterator[str]:
    """The report of a warehouse that was made and never used."""
    with _database(server, "report_empty") as session:
        yield build(session, config.load(), None)
