"""Keeping account of runs, and keeping two of them apart."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from perennial.clock import wall_clock
from perennial.errors import PerennialError, RetriableError
from perennial.warehouse import database


@dataclass
class Step:
    """What a task may note about itself: rows handled, and details for ops.runs."""

    rows: int | None = None
    details: dict[str, Any] | None = None


@contextmanager
def exclusively(what: str) -> Iterator[None]:
    """Only one run at a time may do this on the warehouse; RetriableError for the second one."""
    with database.connect() as session:
        lock = "select pg_try_advisory_lock(hashtext(%s)) as got"
        if not session.execute(lock, [f"perennial.{what}"]).fetchone()["got"]:
            raise RetriableError(f"another run is busy with {what}; try again when it has ended")
        session.commit()  # the lock stays with the connection, no transaction does
        try:
            yield
        finally:
            # a server notices a closed connection only after a while; the next step must not find it still busy
            with suppress(psycopg.OperationalError):
                session.execute("select pg_advisory_unlock(hashtext(%s))", [f"perennial.{what}"])


@contextmanager
def recorded(as_of: date, task: str) -> Iterator[Step]:
    """Keep one row in ops.runs about this attempt of a task; one that is killed stays `running`."""
    step, started = Step(), wall_clock()
    _note(as_of, task, started, "running", step)
    try:
        yield step
    except BaseException as error:
        # messages of ours name nobody; others may quote a row
        said = str(error) if isinstance(error, PerennialError) else type(error).__name__
        step.details = (step.details or {}) | {"error": said}
        with suppress(RetriableError):  # the first error is the one to tell
            _note(as_of, task, started, "failed", step)
        raise
    _note(as_of, task, started, "success", step)


def _note(as_of: date, task: str, started: datetime, status: str, step: Step) -> None:
    finished = None if status == "running" else wall_clock()
    with database.connect() as session:
        session.execute(
            "insert into ops.runs (as_of, task, started_at, finished_at, status, rows, details) "
            "values (%s, %s, %s, %s, %s, %s, %s) on conflict (as_of, task, started_at) do update "
            "set finished_at = excluded.finished_at, status = excluded.status, rows = excluded.rows, "
            "details = excluded.details",
            [
                as_of,
                task,
                started,
                finished,
                status,
                step.rows,
                database.as_json(step.details or {}),
            ],
        )
