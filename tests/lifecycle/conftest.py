"""A warehouse of our own and the timeline's SQL compiled for it, both for one module of tests only."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from backtest_shop import MODEL
from samples import OTHER_SETTINGS, START
from timeline_harness import Compiled, Nights

from perennial import embedded
from perennial.config.lifecycle import LifecycleModel
from perennial.connections import Connection
from perennial.warehouse import database

AFTER_ALL = START + timedelta(days=5000)  # a night to compile for that comes after everything that happens


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Connection]:
    """A warehouse of our own, empty, stopped and deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="perennial-test-")).resolve()
    folder.chmod(0o755)  # the server's OS user must get in
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        patch.delenv("AIRFLOW_CONN_WAREHOUSE", raising=False)
        for name in [n for n in os.environ if n.startswith("PG")]:
            patch.delenv(name)
        before = set(os.environ)
        with embedded.session():
            embedded.ensure_database(database.NAME)
            database.migrate()
            yield database.warehouse()
        for name in set(os.environ) - before:
            if name.startswith(("PG", "DBT_")):  # what dbt was told
                del os.environ[name]
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shipped(warehouse) -> Compiled:
    """The chain compiled with the shipped settings."""
    return Compiled({}, AFTER_ALL, warehouse)


@pytest.fixture(scope="module")
def other(warehouse) -> Compiled:
    """The chain compiled with the settings of another company."""
    return Compiled(OTHER_SETTINGS, AFTER_ALL + timedelta(days=1), warehouse)


@pytest.fixture(scope="module", params=["shipped", "other"])
def compiled(request) -> Compiled:
    """The chain compiled with either settings."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def nights(shipped, warehouse) -> Nights:
    """A warehouse whose nights follow each other; one test delivers to it."""
    return Nights(shipped, warehouse)


@pytest.fixture
def shop_model() -> LifecycleModel:
    """A model of three stages for a shop small enough to work out by hand."""
    return MODEL
