"""A destination that takes everybody at once leaves the same account as one that is told of each change."""

import random
from datetime import timedelta
from types import SimpleNamespace

import pytest
import shelf
from shelf import people, settings

from perennial.activation import export
from perennial.destinations import base, registry
from perennial.warehouse.database import connect
from verdicts import NIGHT, TABLES, decide

pytestmark = pytest.mark.server

ACCOUNT = {
    "members": "select customer_key, address, fingerprint, since from pii.destination_members order by 1",
    "ledger": "select as_of, customer_key, contacted_on from activation.contact_ledger order by 1, 2",
    "rows": "select plan, customer_key, op, status, attempts, error from activation.export_rows order by 1, 2, 3",
    "runs": "select plan, status, members, adds, updates, removes from activation.export_runs order by 1",
}


class OneByOne(shelf.Destination):
    """Says of each change what became of it."""

    def _acknowledged(self, changes):
        for change in changes:
            refused = change.op != "remove" and change.member.customer_key in self.reject
            status, why = ("rejected", "not liked") if refused else ("done", None)
            yield base.Outcome(change.member.customer_key, change.op, status, why)


class AtOnce(shelf.Destination):
    """Reads everybody and no change."""

    def deliver(self, delivery):
        """One word on all."""
        members = {member.customer_key for member in delivery.members()}
        yield base.Whole(dict.fromkeys(sorted(members & self.reject), "not liked"))


def nights(seed: int) -> list[dict]:
    """Who belongs to the audience on five nights, with addresses and stages, and who of the new ones is refused."""
    draw = random.Random(seed)
    found, seen = [], set()
    for night in range(5):
        chosen = {key: address for key, address in people(30).items() if draw.random() < 0.6}
        for key in list(chosen):
            if draw.random() < 0.15:
                chosen[key] = f"{key}-{night}@example.com"
        stages = {key: draw.choice(["lost", "silent"]) for key in chosen}
        refused = {key for key in chosen if key not in seen and draw.random() < 0.2}
        seen |= set(chosen)
        found.append({"people": chosen, "stages": stages, "refused": refused})
    return found


def account(rows, kind, told, monkeypatch) -> dict[str, list]:
    """What is noted after those nights, two of which are run twice."""
    module = SimpleNamespace(Settings=shelf.Settings, Destination=kind)
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": module})
    shelf.clean()
    with connect() as session:
        session.execute("truncate pii.destination_members, activation.contact_ledger, activation.export_rows")
        session.execute("truncate activation.export_runs")
    free = {"first": False, "empty": False, "removals": None, "size": None}
    for number, night in enumerate(told):
        as_of = NIGHT + timedelta(days=number)
        shelf.Destination.reject = night["refused"]
        decide(night["people"], as_of=as_of)
        with connect() as session:
            for key, stage in night["stages"].items():
                session.execute("update marts.customer_360 set stage = %s where customer_key = %s", [stage, key])
        for _ in range(1 + number % 2):
            export.run(as_of, settings(guards=free))
    return {name: rows(query) for name, query in ACCOUNT.items()}


@pytest.mark.parametrize("seed", range(4))
def test_both_leave_the_same_account(warehouse, rows, monkeypatch, seed):
    with connect() as session:
        session.execute(TABLES)
    told = nights(seed)
    one_by_one = account(rows, OneByOne, told, monkeypatch)
    assert {row["op"] for row in one_by_one["rows"]} == {"add", "update", "remove"}
    assert {row["status"] for row in one_by_one["rows"]} == {"done", "rejected"}
    assert account(rows, AtOnce, told, monkeypatch) == one_by_one


@pytest.fixture
def at_once(warehouse, monkeypatch):
    """A destination of that kind, with nothing in it."""
    module = SimpleNamespace(Settings=shelf.Settings, Destination=AtOnce)
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": module})
    shelf.clean()
    with connect() as session:
        session.execute(TABLES)


def members(rows) -> set[str]:
    return {row["customer_key"] for row in rows("select customer_key from pii.destination_members")}


def test_who_was_rejected_and_is_in_it_after_all_is_a_member_who_was_written_to(at_once, rows):
    decide(people(3))
    shelf.Destination.reject = {"k0001"}
    export.run(NIGHT, settings())
    assert members(rows) == {"k0000", "k0002"}
    shelf.Destination.reject = set()
    export.run(NIGHT, settings())
    assert members(rows) == set(people(3))
    assert {row["customer_key"] for row in rows("select customer_key from activation.contact_ledger")} == members(rows)
    assert [row["status"] for row in rows("select status from activation.export_rows")] == ["done"] * 3


def test_who_is_left_out_of_it_is_no_member_any_more(at_once, rows):
    decide(people(3))
    export.run(NIGHT, settings())
    tomorrow = NIGHT + timedelta(days=1)
    decide(people(3), as_of=tomorrow)
    shelf.Destination.reject = {"k0001"}
    export.run(tomorrow, settings())
    assert members(rows) == {"k0000", "k0002"}
