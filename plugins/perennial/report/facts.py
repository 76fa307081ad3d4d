"""What the report reads: the state of the night, and the rows of each section's queries."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from perennial.config import Config
from perennial.lifecycle.phrases import Words

NIGHTS = re.compile(r"(%\((?:as_of|shown)\)s)")
Rows = dict[str, list[dict[str, Any]]]

NIGHT = """
    select
        (select max(as_of) from ops.nights where build_started_at is not null and as_of <= %(as_of)s) as shown,
        night.as_of is not null as is_opened, night.build_started_at is not null as is_begun,
        night.built_at is not null as is_built, night.exported_at is not null as is_exported
    from (select 1) as one
    left join ops.nights as night on night.as_of = %(as_of)s
"""
CHECKS = "select passed, severity, message from ops.gate_results where as_of = %(as_of)s order by check_name"
WAITING = "select count(*) as plans from activation.export_runs where as_of = %(as_of)s and status = 'waiting'"
# of each task the last attempt counts
FAILED = """
    select task from (
        select distinct on (task) task, status, started_at from ops.runs
        where as_of = %(as_of)s and task <> 'report' order by task, started_at desc
    ) as attempts
    where status <> 'success' order by started_at, task
"""


@dataclass(frozen=True)
class Night:
    """The night asked about, the one that the marts show, how it ended, and what the company calls things.

    `state` is none (no night was ever begun), absent (this one was not), unfinished, unchecked, blocked, passed or
    exported.
    """

    as_of: date | None
    shown: date | None
    state: str
    failed: list[str]
    blocked: list[str]
    warnings: list[str]
    waiting: int
    currency: str
    model: str
    model_name: Words
    audiences: dict[str, Words]

    def audience(self, name: str) -> Words:
        """The label of an audience; its name where config/ no longer has it."""
        return self.audiences.get(name, Words(name, name))


def night(session: psycopg.Connection, settings: Config, as_of: date | None) -> Night:
    """How a night stands; none of it is there before the first."""
    ask = {"as_of": as_of}
    found = _rows(session, NIGHT, ask) if as_of else []
    row = (
        found[0]
        if found
        else {"shown": None, "is_opened": False, "is_begun": False, "is_built": False, "is_exported": False}
    )
    checks = _rows(session, CHECKS, ask) if as_of else []
    stopping = [check for check in checks if check["severity"] == "block"]
    blocked = [check["message"] for check in stopping if not check["passed"]]
    model = settings.lifecycle.models[settings.lifecycle.default]
    return Night(
        as_of=as_of,
        shown=row["shown"],
        state=_state(row, bool(stopping), bool(blocked)),
        failed=[attempt["task"] for attempt in _rows(session, FAILED, ask)] if as_of else [],
        blocked=blocked,
        warnings=[check["message"] for check in checks if check["severity"] == "warn" and not check["passed"]],
        waiting=sum(found["plans"] for found in _rows(session, WAITING, ask)) if as_of else 0,
        currency=settings.sources.business.currency,
        model=settings.lifecycle.default,
        model_name=Words(model.name.en, model.name.zh),
        audiences={
            name: Words(audience.label.en, audience.label.zh) for name, audience in settings.audiences.audiences.items()
        },
    )


def _state(row: dict[str, Any], is_checked: bool, is_blocked: bool) -> str:
    if row["shown"] is None and not row["is_opened"]:
        return "none"
    if not row["is_begun"]:
        return "absent"
    if not row["is_built"]:
        return "unfinished"
    if not is_checked:
        return "unchecked"
    if is_blocked:
        return "blocked"
    return "exported" if row["is_exported"] else "passed"


def rows(session: psycopg.Connection, queries: dict[str, str], about: Night) -> Rows:
    """The rows of each query, which may use the parameters as_of, shown, model; none where a table is not there yet."""
    given = {"as_of": about.as_of, "shown": about.shown, "model": about.model}
    # a night that is not known is a date, too
    queries = {name: NIGHTS.sub(r"\1::date", query) for name, query in queries.items()}
    return {name: _rows(session, query, given) for name, query in queries.items()}


def _rows(session: psycopg.Connection, query: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        with session.transaction():
            return session.execute(query, given).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName):
        return []  # of a version or a night that is still to come
