"""Hand a plan's changes to its destination and keep account of what became of each."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from perennial.activation import whole
from perennial.activation.plan import Plan
from perennial.clock import wall_clock
from perennial.destinations.base import Change, Delivery, Destination, Member, Outcome, Whole
from perennial.errors import PerennialError, RetriableError
from perennial.warehouse.database import as_json, connect

AT_ONCE = 1000  # outcomes written in one transaction
READ_AT_ONCE = 5000

# people are taken out before others come in, so that nobody has two addresses in one audience
CHANGES = """
    select r.op, r.customer_key, r.attempts,
        case when r.op = 'remove' then k.address else d.address end as address,
        case when r.op = 'remove' then '{}' else d.attributes::text end as attributes,
        d.fingerprint, d.send_on, k.remote_id, k.is_sure
    from activation.export_rows as r
    left join desired as d using (customer_key)
    left join pii.destination_members as k
        on k.customer_key = r.customer_key and k.destination = %(destination)s and k.audience = %(audience)s
    where r.plan = %(plan)s and r.status in ('planned', 'failed')
    order by r.op <> 'remove', r.customer_key
"""
MEMBERS = "copy (select customer_key, address, attributes::text from desired order by customer_key) to stdout"
# one object per outcome: in JSON they cost a third of what arrays cost
ENDED = """
    jsonb_to_recordset(%(ended)s) as ended (
        customer_key text, op text, status text, error text, remote_id text, address text, fingerprint text, day date
    )
"""
# all of them are there: a conflict finds each by its key, where a join might read the table for every thousand
OUTCOMES = f"""
    insert into activation.export_rows as rows (plan, customer_key, op, status, error)
    select %(plan)s, customer_key, op, status, error from {ENDED}
    on conflict (plan, customer_key, op) do update set status = excluded.status, error = excluded.error,
        attempts = rows.attempts + case when rows.status = 'handed_over' then 0 else 1 end
"""
GONE = """
    delete from pii.destination_members
    where destination = %(destination)s and audience = %(audience)s and customer_key = any(%(gone)s)
"""
THERE = f"""
    insert into pii.destination_members as known
        (destination, audience, customer_key, address, fingerprint, remote_id, since)
    select %(destination)s, %(audience)s, customer_key, address, fingerprint, remote_id, %(as_of)s
    from {ENDED}
    where status in ('done', 'handed_over') and op <> 'remove'
    on conflict (destination, audience, customer_key) do update set address = excluded.address, is_sure = true,
        fingerprint = excluded.fingerprint, remote_id = coalesce(excluded.remote_id, known.remote_id)
"""
# whoever is being told of may be in the list whatever happens next: should she say no before it is known, she has to be
# taken out
MAY_BE_THERE = """
    insert into pii.destination_members (destination, audience, customer_key, address, fingerprint, since, is_sure)
    select %(destination)s, %(audience)s, customer_key, address, '', %(as_of)s, false
    from jsonb_to_recordset(%(coming)s) as coming (customer_key text, address text)
    on conflict do nothing
"""
REFUSED = """
    delete from pii.destination_members
    where destination = %(destination)s and audience = %(audience)s and customer_key = any(%(refused)s) and not is_sure
"""

# cool-downs and limits of later nights count who came in, and who may have
CONTACTED = f"""
    insert into activation.contact_ledger (as_of, audience, destination, channel, customer_key, contacted_on)
    select %(as_of)s, %(audience)s, %(destination)s, %(channel)s, customer_key, day
    from {ENDED}
    where status in ('done', 'handed_over') and op = 'add'
    on conflict do nothing
"""
NOT_CONTACTED = """
    delete from activation.contact_ledger
    where as_of = %(as_of)s and audience = %(audience)s and destination = %(destination)s
        and customer_key = any(%(taken_back)s)
"""
FINISHED = "update {} set status = %s, error = %s, receipt = %s, finished_at = %s where plan = %s"


def deliver(session: psycopg.Connection, plan: Plan, destination: Destination) -> None:
    """Tell the destination what it does not know; whatever happens, what it acknowledged is written down.

    `session` holds the table `desired` of this plan. Raises what the destination raises, and RetriableError if some
    rows may work later.
    """
    _finish(plan, "sending", None, {})
    with connect() as notes:
        notes.execute("set enable_seqscan = off")  # who is gone is found by key, too
        notes.commit()
        failed = _account(session, notes, plan, destination)
    _finish(plan, "failed" if failed else "done", None, destination.receipt)
    if failed:
        raise RetriableError(f"{plan.name}: {failed:,} rows failed and are sent again with the next run")


def _account(session: psycopg.Connection, notes: psycopg.Connection, plan: Plan, destination: Destination) -> int:
    """Rows that failed; outcomes are written in transactions of `notes`."""
    account = Account(notes, plan, destination.at_most_once)
    delivery = Delivery(
        plan=plan.name,
        as_of=plan.as_of,
        valid_until=plan.valid_until,
        audience=plan.audience,
        changes=account.handed(_rows(session, CHANGES, plan)),
        members=lambda: _members(session),
        attributes=plan.settings.attributes,
    )
    try:
        for outcome in destination.deliver(delivery):
            if isinstance(outcome, Whole):
                whole.write(session, plan, outcome)
            else:
                account.note(outcome)
    except PerennialError as error:
        account.write()
        _finish(plan, "failed", str(error), destination.receipt)
        raise
    except BaseException:
        account.write()
        raise
    account.write()
    return account.failed


class Account:
    """Which changes are under way, and what became of the others; written every so often.

    Of a message every later night must know that it may have been sent: whom it goes to counts as told before it goes,
    and only a refusal takes that back.
    """

    def __init__(self, notes: psycopg.Connection, plan: Plan, at_most_once: bool):
        self.failed = 0
        self._notes = notes
        self._plan = plan
        self._at_most_once = at_most_once
        self._open: dict[tuple[str, str], dict[str, Any]] = {}
        self._ended: list[tuple[Outcome, dict[str, Any]]] = []

    def handed(self, rows: Iterator[dict[str, Any]]) -> Iterator[Change]:
        """The changes one by one; a message is noted before it is handed over."""
        while some := list(islice(rows, AT_ONCE)):
            if not self._at_most_once:
                self._may_be_there(some)
            for row in some:
                self._open[row["customer_key"], row["op"]] = row
                if self._at_most_once and row["op"] == "add":
                    self._ended.append((Outcome(row["customer_key"], "add", "handed_over"), row))
                    self.write()
                yield Change(row["op"], _member(row), row["is_sure"] is not False)

    def _may_be_there(self, some: list[dict[str, Any]]) -> None:
        coming = [{"customer_key": r["customer_key"], "address": r["address"]} for r in some if r["op"] == "add"]
        if coming:
            at = {"destination": self._plan.destination, "audience": self._plan.audience, "as_of": self._plan.as_of}
            self._notes.execute(MAY_BE_THERE, at | {"coming": as_json(coming)})
            self._notes.commit()

    def note(self, outcome: Outcome) -> None:
        """Remember an outcome; ValueError for one of a change that was not handed over."""
        row = self._open.pop((outcome.customer_key, outcome.op), None)
        if row is None:
            raise ValueError(f"{self._plan.destination} told twice, or unasked, what became of {outcome.customer_key}")
        self._ended.append((outcome, row))
        self.failed += outcome.status == "failed"
        if len(self._ended) >= AT_ONCE:
            self.write()

    def write(self) -> None:
        """Write down what is known by now, in one transaction."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        left = [o.customer_key for o, _ in ended if o.status == "done" and o.op == "remove"]
        refused = [o.customer_key for o, _ in ended if o.status in ("rejected", "failed") and o.op == "add"]
        taken_back = refused if self._at_most_once else []
        values = {
            "plan": self._plan.name,
            "channel": self._plan.settings.channel,
            "destination": self._plan.destination,
            "audience": self._plan.audience,
            "as_of": self._plan.as_of,
            "ended": as_json([_told(outcome, row) for outcome, row in ended]),
            "gone": left + taken_back,
            "taken_back": taken_back,
            "refused": [o.customer_key for o, _ in ended if o.status == "rejected" and o.op == "add"],
        }
        for statement in (OUTCOMES, GONE, REFUSED, NOT_CONTACTED, THERE, CONTACTED):
            self._notes.execute(statement, values)
        self._notes.commit()


def _rows(session: psycopg.Connection, query: str, plan: Plan) -> Iterator[dict[str, Any]]:
    asked = {"plan": plan.name, "destination": plan.destination, "audience": plan.audience}
    name = f"export_{abs(hash(query)):x}"
    with session.cursor(name=name) as cursor:
        cursor.itersize = READ_AT_ONCE
        cursor.execute(sql.SQL(query), asked)
        yield from cursor


def _members(session: psycopg.Connection) -> Iterator[Member]:
    """Everybody; the server sends while they are worked on, so `session` can do nothing else meanwhile."""
    with session.cursor() as cursor, cursor.copy(MEMBERS) as copy:
        for customer_key, address, attributes in copy.rows():
            yield Member(customer_key, address, _attributes(attributes))


def _told(outcome: Outcome, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "customer_key": outcome.customer_key,
        "op": outcome.op,
        "status": outcome.status,
        "error": outcome.error,
        "remote_id": outcome.remote_id,
        "address": row["address"],
        "fingerprint": row["fingerprint"],
        "day": row["send_on"] and row["send_on"].isoformat(),
    }


def _member(row: dict[str, Any]) -> Member:
    return Member(row["customer_key"], row["address"], _attributes(row["attributes"]), row.get("remote_id"))


@lru_cache(maxsize=10_000)
def _attributes(text: str) -> Mapping[str, Any]:
    """Read once for all who have the same; nobody may change it."""
    return MappingProxyType(json.loads(text))


def _finish(plan: Plan, status: str, error: str | None, receipt: dict[str, Any]) -> None:
    at = wall_clock() if status in ("done", "failed") else None
    with connect() as session:
        session.execute(
            sql.SQL(FINISHED).format(sql.Identifier("activation", plan.book)),
            [status, error, as_json(receipt), at, plan.name],
        )
