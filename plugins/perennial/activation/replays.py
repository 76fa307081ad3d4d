"""Sending again what a destination refused, of plans of the newest night that may be sent as they are.

A plan of an earlier night is never sent: who opted out, bought or left since is in none of its rows. Whom it did not
reach and who still belongs to the audience is in the newest night's plan.
"""

from collections.abc import Iterable
from datetime import date

from perennial.errors import ConfigError
from perennial.warehouse.database import connect

Rows = list[tuple[str, str]]  # customer_key, op
FOUND = "select plan, as_of, audience, destination, status from activation.export_runs where plan = any(%s)"
AGAIN = """
    update activation.export_rows set status = 'planned' where plan = %s and status = 'rejected'
    returning customer_key, op
"""
READY = "update activation.export_runs set status = 'ready' where plan = %s and status = 'done'"
BECAME = """
    select status, count(*) as rows from activation.export_rows
    where plan = %s and (customer_key, op) in (select * from unnest(%s::text[], %s::text[])) group by status
"""
HELD = {
    "waiting": "waits for approval, so nothing of it was sent: `perennial approve` it",
    "rejected": "was rejected, so nothing of it is sent: `perennial approve` it by its name if that is to change",
    "unevaluable": "is stopped: who belongs to the audience is not known. See activation.audience_problems",
}


def require(as_of: date, plans: Iterable[str]) -> None:
    """ConfigError unless all of them are plans of this night that may be sent; it names the plan and what to do."""
    with connect() as session:
        found = {row["plan"]: row for row in session.execute(FOUND, [list(plans)])}
    for name in plans:
        row = found.get(name)
        if row is None:
            raise ConfigError(f"{name}: there is no such plan; `perennial plan` lists those of night {as_of}")
        if row["as_of"] != as_of:
            raise ConfigError(
                f"{name}: is of night {row['as_of']}, and only the newest, {as_of}, is ever sent. Who still belongs to "
                f"the audience and was not reached is in {as_of}.{row['audience']}.{row['destination']}; "
                "see `perennial plan`"
            )
        if row["status"] in HELD:
            raise ConfigError(f"{name}: {HELD[row['status']]}")


def begin(plans: Iterable[str]) -> dict[str, Rows]:
    """Open what was refused; per plan which rows these are."""
    again: dict[str, Rows] = {}
    with connect() as session:
        for name in plans:
            again[name] = [(row["customer_key"], row["op"]) for row in session.execute(AGAIN, [name])]
            if again[name]:
                session.execute(READY, [name])
    return again


def told(name: str, rows: Rows) -> str:
    """What became of them, in words."""
    if not rows:
        return "nothing of it was refused, nothing is sent again"
    with connect() as session:
        keys, ops = zip(*rows, strict=True)
        became = {row["status"]: row["rows"] for row in session.execute(BECAME, [name, list(keys), list(ops)])}
    done, gone = became.get("done", 0), len(rows) - sum(became.values())
    said = f"{done:,} of {len(rows):,} refused rows were sent again and taken"
    if left := len(rows) - done - gone:
        said += f", {left:,} were not"
    return said + (f", {gone:,} are no change any more" if gone else "")
