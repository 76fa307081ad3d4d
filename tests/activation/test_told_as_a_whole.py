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
    """Who belongs to the audience on five nights, with which addresses and stages, and who is refused."""
    draw = random.Random(seed)
    found = []
    for night in range(5):
        chosen = {key: address for key, address in people(30).items() if draw.random() < 0.6}
        for key in list(chosen):
            if draw.random() < 0.15:
                chosen[key] = f"{key}-{night}@example.com"
        stages = {key: draw.choice(["lost", "silent"]) for key in chosen}
        found.append({"people": chosen, "stages": stages, "refused": {k for k in chosen if draw.random() < 0.1}})
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
