"""Shared fixtures. Plain functions are tested plainly; only tests that ask for a server get one."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fake_time import Time
from perennial import config, embedded, http_client, paths
from perennial.connections import Connection
from perennial.warehouse import database

PROJECT = Path(__file__).parents[1]
NUMBERS = itertools.count(1)
LONGEST = ("e2e", "dags", "activation", "destinations")  # minutes a file: begun last, one would keep all waiting


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest first; `make test` gives whole files to processes, so what the tests of a file share is made once."""
    items.sort(key=lambda item: LONGEST.index(_folder(item)) if _folder(item) in LONGEST else len(LONGEST))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(PROJECT / "tests").parts[0]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, without a server."""
    monkeypatch.setenv("PERENNIAL_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of the HTTP client; no account's pace is left over from another test."""
    fake = Time()
    monkeypatch.setattr(http_client, "time", fake)
    monkeypatch.setattr(http_client, "_buckets", {})
    return fake


@pytest.fixture
def config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of config/ that the test may spoil."""
    folder = tmp_path / "config"
    shutil.copytree(PROJECT / "config", folder)
    monkeypatch.setenv("PERENNIAL_CONFIG", str(folder))
    monkeypatch.setattr(config, "_load", config._load.__wrapped__)  # no cache between tests
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Connection]:
    """An embedded server with a migrated template database."""
    folder = Path(tempfile.mkdtemp(prefix="perennial-tests-"))
    folder.chmod(0o755)  # the server's own user must reach its data
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        embedded.start()
        admin = embedded.connection("postgres")
        embedded.ensure_database("template")
        patch.setenv("AIRFLOW_CONN_WAREHOUSE", embedded.connection("template").to_json())
        database.migrate()
    yield admin
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        embedded.stop(force=True)
    shutil.rmtree(folder)


@pytest.fixture
def warehouse(server: Connection, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """A warehouse of the test's own, migrated and empty."""
    name = f"warehouse_{next(NUMBERS)}"
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute(f"create database {name} template template")
        connection = Connection("postgres", server.host, server.port, server.login, database=name)
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection.to_json())
        yield connection
        session.execute(f"drop database {name} with (force)")


@pytest.fixture
def rows(warehouse: Connection):
    """Run a query on the test's warehouse and get all rows as dicts."""

    def query(statement: str, *parameters) -> list[dict]:
        with database.connect() as session:
            return session.execute(statement, parameters).fetchall()

    return query


@pytest.fixture
def drop_folder(state: Path) -> Path:
    """The folder that the click & collect source of config/ watches."""
    return paths.private_folder(state / "drop" / "click_collect")
