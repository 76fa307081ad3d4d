"""The pages on a warehouse with two plans, asked by people of every role of Airflow's simple login."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date

import psycopg
import pytest
from pages_warehouse import NIGHT, fill, renew, write_file
from visits import Visit

from perennial import paths
from perennial.connections import Connection
from perennial.warehouse import database


@pytest.fixture(scope="session")
def airflow(tmp_path_factory) -> Iterator[None]:
    """Airflow as a library, with its simple login and settings of its own."""
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(home))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{home}/meta.db")
        patch.setenv("AIRFLOW__API__SECRET_KEY", hashlib.sha256(b"pages").hexdigest())
        from airflow.api_fastapi.app import create_auth_manager

        create_auth_manager()
        yield


@pytest.fixture
def sent(airflow, monkeypatch) -> list[tuple[date, str]]:
    """Nights that Airflow was asked to send, and by whom; it is not there to do it."""
    from perennial.pages import host

    asked: list[tuple[date, str]] = []
    monkeypatch.setattr(host, "send", lambda as_of, who: asked.append((as_of, who)) or True)
    return asked


@pytest.fixture
def visit(airflow, sent, stocked) -> Callable[[str | None], Visit]:
    """Visits by role; None is nobody."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from perennial.pages import host
    from perennial.pages.app import build

    def by(role: str | None) -> Visit:
        pages, outer = build(), FastAPI()
        outer.mount("/perennial", pages)
        if role:
            someone = SimpleAuthManagerUser(username=f"ann-{role.lower()}", role=role)
            pages.dependency_overrides[host.get_user] = lambda: someone
        return Visit(TestClient(outer, raise_server_exceptions=True), role)

    return by


@pytest.fixture(scope="module")
def pages_database(server: Connection) -> Iterator[Connection]:
    """A warehouse that a module of tests shares."""
    name = "pages"
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"create database {name} template template")
        where = Connection("postgres", server.host, server.port, server.login, database=name)
        with database.connect(where) as session:
            fill(session)
        yield where
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def stocked(pages_database: Connection, state, monkeypatch) -> Connection:
    """It, with its plans as they were, and a state folder without files."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", pages_database.to_json())
    with database.connect(pages_database) as session:
        renew(session)
    return pages_database


@pytest.fixture
def rows(stocked):
    """Run a query on that warehouse."""

    def query(statement: str) -> list[dict]:
        with database.connect(stocked) as session:
            return session.execute(statement).fetchall()

    return query


@pytest.fixture
def written(stocked) -> None:
    """The files that its night left."""
    paths.report().mkdir()
    (paths.report() / f"{NIGHT}.html").write_text("<!DOCTYPE html><title>Night</title>")
    write_file()


@pytest.fixture
def audit(rows):
    """What was noted: who, what, plan, customer_key, in the order of time."""
    return lambda: [
        tuple(row.values()) for row in rows("select who, what, plan, customer_key from ops.page_audit order by at")
    ]
