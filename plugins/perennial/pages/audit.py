"""Who did what: written in the transaction of what it tells of, or before anything leaves."""

from typing import Any

import psycopg

from perennial.clock import wall_clock
from perennial.warehouse.database import as_json

NOTE = """
    insert into ops.page_audit (at, who, what, plan, customer_key, details)
    values (%s, %s, %s, %s, %s, %s)
"""
OF_PLAN = "select at, who, what from ops.page_audit where plan = %s order by at desc limit 20"


def note(
    session: psycopg.Connection,
    who: str,
    what: str,
    *,
    plan: str | None = None,
    customer_key: str | None = None,
    **details: Any,
) -> None:
    """One row: `what` is approved, rejected, downloaded or looked up."""
    session.execute(NOTE, [wall_clock(), who, what, plan, customer_key, as_json(details)])


def of_plan(session: psycopg.Connection, plan: str) -> list[dict[str, Any]]:
    """The newest rows about a plan: at, who, what."""
    return session.execute(OF_PLAN, [plan]).fetchall()
