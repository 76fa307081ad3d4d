"""The early warnings compiled once, for nights that follow others."""

from collections.abc import Iterator

import psycopg
import pytest
from warning_warehouse import REMEMBERED, TABLES, Compiled

from compiled_models import pointed_at
from perennial import config
from perennial.connections import Connection


@pytest.fixture(scope="session")
def warning_database(server: Connection) -> Iterator[Connection]:
    """A migrated database in which what the models read is there, and empty."""
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute("create database warnings template template")
        to = Connection("postgres", server.host, server.port, server.login, database="warnings")
        with psycopg.connect(host=to.host, user=to.login, dbname=to.database) as prepared:
            prepared.execute(TABLES)
            prepared.execute(REMEMBERED)
        yield to
        session.execute("drop database warnings with (force)")


@pytest.fixture(scope="session")
def compiled(warning_database, tmp_path_factory) -> Compiled:
    """The shipped settings."""
    with pointed_at(warning_database, tmp_path_factory.mktemp("warnings")):
        return Compiled(config.load(), warning_database)
