"""One warehouse per module: its SQL is compiled once."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from compiled_models import pointed_at
from perennial.connections import Connection


@pytest.fixture(scope="module")
def warehouse(server: Connection, request, tmp_path_factory) -> Iterator[Connection]:
    """A migrated and empty warehouse for all tests of a module."""
    name = f"identity_{Path(request.node.path).stem}"
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"create database {name} template template")
        to = Connection("postgres", server.host, server.port, server.login, database=name)
        with pointed_at(to, tmp_path_factory.mktemp("state")):
            yield to
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def session(warehouse: Connection) -> Iterator[psycopg.Connection]:
    """A session that commits every statement."""
    to = warehouse
    where = {"host": to.host, "port": to.port, "user": to.login, "dbname": to.database, "autocommit": True}
    with psycopg.connect(**where, options="-c timezone=UTC -c jit=off") as opened:
        yield opened
