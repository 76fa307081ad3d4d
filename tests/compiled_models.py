"""The SQL of models as dbt compiles it, for tests that run it on tables of their own."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg
import pytest

from perennial import transform
from perennial.config import Config
from perennial.connections import Connection

NIGHT = date(1999, 12, 31)  # what the SQL is compiled for; replaced by the night of each test


@contextmanager
def pointed_at(warehouse: Connection, state: Path) -> Iterator[None]:
    """For dbt, this is the warehouse; afterwards nothing of it is left in the environment."""
    before = set(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(state))
        patch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.to_json())
        yield
    for name in set(os.environ) - before:
        if name.startswith(("PG", "DBT_")):  # what dbt was told
            del os.environ[name]


def compiled(models: Iterable[str], config: Config, warehouse: Connection) -> dict[str, str]:
    """The SQL of each model, for one configuration and database."""
    transform.run(["compile", "--select", *models], config, NIGHT, warehouse)
    written = transform.target_folder(NIGHT) / "compiled"
    return {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in models}


def fill(session: psycopg.Connection, table: str, columns: str, values: Iterable[tuple]) -> None:
    """Add rows to a table."""
    with session.cursor() as cursor, cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
        for row in values:
            copy.write_row(row)
