"""How a night stands, read from the warehouse: what there is to tell."""

from datetime import date

import psycopg

from perennial.alerts.base import Notice

NIGHT = "select built_at, exported_at from ops.nights where as_of = %s"
# the newest attempt of every task; one that is still running when the run has ended was killed
TASKS = """
    select * from (
        select distinct on (task) task, status, started_at, details ->> 'error' as error
        from ops.runs where as_of = %s order by task, started_at desc
    ) as newest
    where status <> 'success' order by started_at
"""
CHECKS = """
    select check_name, message from ops.gate_results
    where as_of = %s and severity = %s and not passed order by check_name
"""
EXPORTS = "select plan, tripped, error from activation.export_runs where as_of = %s and status = %s order by plan"


def notices(session: psycopg.Connection, as_of: date) -> list[Notice]:
    """What became of the night, and whether a person is waited for."""
    found = [_ended(session, as_of)]
    if waiting := session.execute(EXPORTS, [as_of, "waiting"]).fetchall():
        lines = [f"{row['plan']} ({', '.join(row['tripped'])})" for row in waiting]
        found.append(Notice("waiting", as_of, (*lines, "Look at them: `perennial plan`, or the page Audiences.")))
    return found


def _ended(session: psycopg.Connection, as_of: date) -> Notice:
    night = session.execute(NIGHT, [as_of]).fetchone()
    if night is None:
        return Notice("failed", as_of, ("It was not opened: no task of it has begun. See Airflow.",))
    blocked = [f"{row['check_name']}: {row['message']}" for row in session.execute(CHECKS, [as_of, "block"])]
    tasks = [_task(row) for row in session.execute(TASKS, [as_of])]
    exports = [f"{row['plan']}: {row['error'] or 'stopped'}" for row in _exports(session, as_of)]
    if blocked:
        return Notice("blocked", as_of, tuple(blocked))
    if night["exported_at"] is None or tasks or exports:
        missing = "built, and not exported" if night["built_at"] else "not built"
        return Notice(
            "failed", as_of, (*tasks, *exports, f"The night is {missing}." if not exports else "See Airflow.")
        )
    warned = [f"warning: {row['check_name']}: {row['message']}" for row in session.execute(CHECKS, [as_of, "warn"])]
    return Notice("finished", as_of, tuple(warned))


def _exports(session: psycopg.Connection, as_of: date) -> list[dict]:
    return [row for status in ("failed", "unevaluable") for row in session.execute(EXPORTS, [as_of, status])]


def _task(row: dict) -> str:
    since = f"{row['started_at']:%Y-%m-%d %H:%M} UTC"
    if row["status"] == "running":
        return f"{row['task']}: running since {since}, or killed"
    return f"{row['task']}: failed, begun {since}: {row['error'] or 'see its log in Airflow'}"
