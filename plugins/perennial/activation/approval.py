"""What people decide about plans: each decision holds for the data the plan had, and the last one counts."""

from datetime import date
from typing import Any

import psycopg

from perennial.clock import wall_clock

HELD = ("waiting", "rejected")  # states in which nobody is told anything
APPROVED = """
    update activation.export_runs set status = 'ready', approved_hash = data_hash, approved_by = %(by)s,
        approved_at = %(at)s, rejected_by = null, rejected_at = null
    where plan = %(plan)s and status = any(%(held)s) and data_hash = coalesce(%(seen)s, data_hash)
"""
REJECTED = """
    update activation.export_runs set status = 'rejected', rejected_by = %(by)s, rejected_at = %(at)s,
        approved_hash = null, approved_by = null, approved_at = null
    where plan = %(plan)s and status = 'waiting' and data_hash = coalesce(%(seen)s, data_hash)
"""
STANDS = """
    select from activation.export_runs
    where as_of = %s and approved_hash = data_hash and status not in ('waiting', 'rejected', 'unevaluable') limit 1
"""


def approve(
    session: psycopg.Connection, name: str, by: str, *, although_rejected: bool = False, seen: str | None = None
) -> bool:
    """Let a plan go that waits, as it is now; False if it does not wait, or its data_hash is not the one `seen`."""
    return _decided(session, APPROVED, name, by, seen, held=list(HELD if although_rejected else HELD[:1]))


def reject(session: psycopg.Connection, name: str, by: str, *, seen: str | None = None) -> bool:
    """Send nothing of a plan that waits, as long as its data is what it is now; False as for `approve`."""
    return _decided(session, REJECTED, name, by, seen)


def stands(session: psycopg.Connection, as_of: date) -> bool:
    """Whether somebody approved a plan of the night, and nothing became of it since that has to be asked anew."""
    return bool(session.execute(STANDS, [as_of]).rowcount)


def _decided(session: psycopg.Connection, how: str, name: str, by: str, seen: str | None, **more: Any) -> bool:
    about = {"plan": name, "by": by, "at": wall_clock(), "seen": seen}
    return bool(session.execute(how, about | more).rowcount)
