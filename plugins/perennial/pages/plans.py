"""What the pages read of plans: those of a night, one with its gates, changes and history."""

from datetime import date
from typing import Any

import psycopg

PER_PAGE = 50
PLANS = """
    select plan, audience, destination, channel, status, members_before, members, adds, updates, removes, tripped
    from activation.export_runs where as_of = %s order by audience, destination
"""
PLAN = "select * from activation.export_runs where plan = %s"
GATES = """
    select gate, reason, coalesce(label_en, reason) as label_en, coalesce(label_zh, reason) as label_zh, count_before,
        count_ended, count_after
    from activation.audience_waterfall
    left join marts.dim_reasons using (reason)
    where audience = %(audience)s and destination = %(destination)s and as_of = %(as_of)s
        and (kind = 'audience' or kind is null)
    order by gate
"""
# a key more than fit on a page says that there are more
CHANGES = """
    select changes.customer_key, changes.op, changes.status, changes.error, coalesce(c.stage_en, c.stage) as stage_en,
        coalesce(c.stage_zh, c.stage) as stage_zh, c.abc_tier
    from (
        select customer_key, op, status, error from activation.export_rows
        where plan = %(plan)s and customer_key > %(after)s and (%(op)s::text is null or op = %(op)s)
        order by customer_key, op limit %(limit)s
    ) as changes
    left join marts.customer_360 as c using (customer_key)
    order by changes.customer_key, changes.op
"""
HISTORY = """
    select as_of, members, adds, updates, removes, status from activation.export_runs
    where audience = %(audience)s and destination = %(destination)s and as_of <= %(as_of)s order by as_of desc limit 14
"""


def of_night(session: psycopg.Connection, as_of: date) -> list[dict[str, Any]]:
    """Every plan of a night."""
    return session.execute(PLANS, [as_of]).fetchall()


def one(session: psycopg.Connection, name: str) -> dict[str, Any] | None:
    """A plan with all its columns, or None."""
    return session.execute(PLAN, [name]).fetchone()


def gates(session: psycopg.Connection, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Its gates in order; none where the night that the marts show is another one."""
    return session.execute(GATES, plan).fetchall()


def changes(
    session: psycopg.Connection, name: str, op: str | None, after: str
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of its changes by key, from those after `after`; and the key that the next page starts after, if any."""
    asked = {"plan": name, "op": op, "after": after, "limit": PER_PAGE + 2}
    rows = session.execute(CHANGES, asked).fetchall()
    if len(rows) <= PER_PAGE:
        return rows, None
    shown = rows[:PER_PAGE]
    if shown[-1]["customer_key"] == rows[PER_PAGE]["customer_key"]:  # taken out and added: both stand on one page
        shown = rows[: PER_PAGE + 1]
    return shown, shown[-1]["customer_key"] if len(rows) > len(shown) else None


def history(session: psycopg.Connection, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The same audience at the same destination in the last nights, the newest first."""
    return session.execute(HISTORY, plan).fetchall()
