"""One warehouse per module: its SQL is compiled once."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from identity_nights import Nights
from identity_small_worlds import SAID, TOLD
from identity_world import INPUT, settings

from compiled_models import pointed_at
from perennial.config import Config
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


@pytest.fixture(scope="module")
def told() -> Config:
    """What the nights of a module are built with."""
    return settings()


@pytest.fixture(scope="module")
def built(warehouse, session, told) -> Nights:
    """Nights that tell of consents too."""
    session.execute(INPUT)
    session.execute(
        "create view pii.stg_customers as select *, source_customer_id as customer_id from pii.input_customers"
    )
    return Nights(session, told, warehouse, TOLD, SAID)


@pytest.fixture
def nights(built) -> Nights:
    """The same, with nothing in it."""
    kept = "pii.int_identity, pii.identity_memberships, pii.identity_blocks, pii.identity_events"
    told = "input.input_consents, raw.customers, pii.opt_outs, intermediate.seen_records"
    built.session.execute(f"truncate ops.nights, ops.identity_approvals, {told}, {kept}")
    built.decided([])
    return built
