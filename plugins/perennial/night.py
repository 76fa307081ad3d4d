"""The steps of a night, as plain functions. Airflow calls them one per task; they need no Airflow.

A night is for one business day, `as_of`. The horizon is the newest night whose marts were built. Running a night that
lies before the horizon loads what is missing and leaves marts and audiences alone: history is read from the timeline,
never rebuilt backwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from perennial import config, gate, landing, transform
from perennial.activation import export
from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.errors import ConfigError, GateError
from perennial.progress import say
from perennial.sources.extract import extract
from perennial.warehouse import database, loader


@dataclass
class Step:
    """What a task may note about itself: rows handled, and details for ops.runs."""

    rows: int | None = None
    details: dict[str, Any] | None = None


def choose_as_of(requested: str | None, now: datetime) -> date:
    """The business day to run for: the requested one, else the last complete one before `now`."""
    business = config.load().sources.business
    local = now.astimezone(ZoneInfo(business.timezone)) - timedelta(hours=business.day_starts_at_hour)
    last_complete = local.date() - timedelta(days=1)
    if not requested:
        return last_complete
    try:
        as_of = date.fromisoformat(requested)
    except ValueError:
        raise ConfigError(f"as_of is '{requested}'; accepted: a date such as {last_complete}") from None
    if as_of > last_complete:
        raise ConfigError(
            f"as_of is {as_of}, a day that is not over; the last complete business day is {last_complete}"
        )
    return as_of


def open_night(as_of: date) -> list[str]:
    """Prepare the warehouse and return the sources to extract."""
    database.migrate()
    with database.connect() as session:
        session.execute("insert into ops.nights (as_of) values (%s) on conflict do nothing", [as_of])
    return list(config.load().sources.sources)


def extract_source(name: str, as_of: date, connection: Connection | None) -> str:
    """Land everything new of one source."""
    with recorded(as_of, f"extract.{name}") as step:
        batches = extract(name, config.load().sources.sources[name], connection, as_of)
        step.rows = sum(b.rows for b in batches)
        step.details = {
            "bytes": sum(b.bytes for b in batches),
            "notes": [n for b in batches for n in b.notes][:20],
        }
    return name


def load_source(name: str, as_of: date) -> dict[str, int]:
    """Load the landed batches of one source; landed = loaded + quarantined."""
    with recorded(as_of, f"load.{name}") as step:
        settings = config.load().sources
        source = settings.sources[name]
        total = {"landed": 0, "loaded": 0, "new": 0, "quarantined": 0}
        for entity in source.entities:
            batch = landing.find(name, entity, as_of)
            counts = asdict(loader.load(batch, source, (settings.business.currency,)))
            total = {key: total[key] + counts[key] for key in total}
        say(
            f"load {name}: {total['landed']:,} landed = {total['loaded']:,} loaded"
            f" + {total['quarantined']:,} quarantined ({total['new']:,} new)"
        )
        step.rows, step.details = total["new"], total
    return total


def is_before_horizon(as_of: date) -> bool:
    """Whether a later night has been built."""
    newest = horizon()
    return newest is not None and as_of < newest


def horizon() -> date | None:
    """The night the marts show."""
    with database.connect() as session:
        return session.execute("select max(as_of) as as_of from ops.nights where built_at is not null").fetchone()[
            "as_of"
        ]


def build(as_of: date, *, retry: bool = False) -> bool:
    """Compute the marts of the night; False if a later night has been built, whose marts stay."""
    if is_before_horizon(as_of):
        say(f"transform: skipped, the marts already show {horizon()}; read {as_of} from marts.fct_lifecycle_timeline")
        return False
    with recorded(as_of, "transform") as step:
        gate.close(as_of)
        results = transform.run(["build"], config.load(), as_of, database.warehouse(), retry=retry)
        slowest = sorted(results, key=lambda r: -r.seconds)[:5]
        step.details = {"nodes": len(results), "slowest": [[r.node, r.seconds] for r in slowest]}
        with database.connect() as session:
            session.execute("update ops.nights set built_at = now() where as_of = %s", [as_of])
    return True


def check(as_of: date) -> None:
    """Reconcile the layers and record the gate; GateError stops the night before anything leaves."""
    with recorded(as_of, "gate"):
        gate.run(as_of)


def send(as_of: date) -> int:
    """Export the audiences of the night; returns the people exported. GateError for any night but the newest."""
    if is_before_horizon(as_of):
        raise GateError(f"night {as_of} is past, nothing is exported: the marts show {horizon()}")
    gate.require_open(as_of)
    with recorded(as_of, "export") as step:
        step.rows = export.run(as_of, config.load())
        with database.connect() as session:
            session.execute("update ops.nights set exported_at = now() where as_of = %s", [as_of])
    return step.rows


@contextmanager
def recorded(as_of: date, task: str) -> Iterator[Step]:
    """Keep one row in ops.runs about this attempt of a task, whether it succeeds or fails."""
    step, started = Step(), wall_clock()
    _note(as_of, task, started, "running", step)
    try:
        yield step
    except BaseException:
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
