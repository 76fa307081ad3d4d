"""Running nights for the end-to-end tests, and fingerprints of what they leave."""

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import psycopg

from perennial import embedded, night, sample
from perennial.config import load

SCHEMAS = ("marts", "activation", "pii", "input", "intermediate", "quarantine", "raw")
# when a row was written says nothing about the night
TECHNICAL = {"loaded_at", "rejected_at", "planned_at", "finished_at"}


def live_until(day: str, households: int | None = None) -> None:
    """Let the sample shops live until a day."""
    sample.prepare(date.fromisoformat(day), households)


def run(day: str, *, export: bool = True) -> None:
    """A night step by step, without Airflow."""
    as_of = date.fromisoformat(day)
    for name in night.open_night(as_of):
        connection = embedded.connection("shop") if load().sources.sources[name].connection else None
        night.extract_source(name, as_of, connection)
        night.load_source(name, as_of)
    night.pull_opt_outs(as_of)
    if night.build(as_of):
        night.fit_value(as_of)
        night.score(as_of)
        night.check(as_of)
        if export:
            night.send(as_of)


def command(*arguments: str) -> subprocess.CompletedProcess:
    """The command `perennial`, as a person types it."""
    code = "from perennial.cli import main; main()"
    project = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(project / "plugins"), "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def query(statement: str, database: str = "warehouse") -> list[tuple]:
    """All rows of a query."""
    where = embedded.connection(database)
    with psycopg.connect(host=where.host, user=where.login, dbname=database) as session:
        return session.execute(statement).fetchall()


def fingerprint(*schemas: str) -> dict[str, str]:
    """A hash of the rows of every table of these schemas, in any order, technical columns left out."""
    tables = query(
        "select table_schema || '.' || table_name, array_agg(quote_ident(column_name) order by column_name) "
        f"from information_schema.columns where table_schema in ({', '.join(map(repr, schemas))},'') "
        f"and column_name not in ({', '.join(map(repr, TECHNICAL))}) group by 1"
    )
    result = {}
    for table, columns in tables:
        rows = f"select md5(row({', '.join(columns)})::text) as h from {table}"
        ((digest,),) = query(f"select md5(coalesce(string_agg(h, '' order by h), '')) from ({rows}) as hashed")
        result[table] = digest
    return result


def files(*folders: Path) -> dict[str, str]:
    """A hash of every file below the folders."""
    found = (p for folder in folders for p in folder.rglob("*") if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}
