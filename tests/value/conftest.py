"""The value marts compiled once: as on a first night and as on later ones, with either method of RFM."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from value_warehouse import CUTS, MOVES, TABLES, Compiled

from compiled_models import pointed_at
from perennial import config
from perennial.config.value import Rfm
from perennial.connections import Connection


@pytest.fixture(scope="session")
def value_database(server: Connection) -> Iterator[Connection]:
    """A migrated database in which what the models read is there, and empty."""
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute("create database value_marts template template")
        to = Connection("postgres", server.host, server.port, server.login, database="value_marts")
        with psycopg.connect(host=to.host, user=to.login, dbname=to.database) as prepared:
            prepared.execute(TABLES)
        yield to
        session.execute("drop database value_marts with (force)")


@pytest.fixture(scope="session")
def first(value_database, tmp_path_factory) -> Compiled:
    """The shipped settings, on a first night."""
    with pointed_at(value_database, tmp_path_factory.mktemp("first")):
        return Compiled(config.load(), value_database)


@pytest.fixture(scope="session")
def later(first, value_database, tmp_path_factory) -> Compiled:
    """A later night, with fixed cuts and a grid around medians."""
    with psycopg.connect(host=value_database.host, user=value_database.login, dbname="value_marts") as session:
        session.execute(MOVES)
    shipped = config.load()
    fixed = Rfm(method="fixed", cuts=CUTS, grid="median", new_days=30)
    with pointed_at(value_database, tmp_path_factory.mktemp("later")):
        return Compiled(replace(shipped, value=shipped.value.model_copy(update={"rfm": fixed})), value_database)
