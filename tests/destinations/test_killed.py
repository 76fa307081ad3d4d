"""Killed at any point of a night and run again, a destination has what it would have had, and no message went twice."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from random import Random
from typing import Any

import pytest
from exported import TOMORROW, decide_for, people, place, settings
from killing import killed_night, passages
from psycopg import sql
from test_every_destination import KINDS, channels_of, harnesses_of
from twins.harness import Harness

from perennial.destinations import registry
from perennial.warehouse.database import connect
from verdicts import NIGHT, TABLES

pytestmark = pytest.mark.server

PEOPLE = 50
KEPT = ("activation.export_runs", "activation.export_rows", "activation.contact_ledger", "pii.destination_members")
KEPT += ("pii.opt_outs",)
TOLD = {
    "runs": "select plan, status, members_before, members, adds, updates, removes from activation.export_runs",
    "rows": "select plan, customer_key, op, status from activation.export_rows",
    "ledger": "select * from activation.contact_ledger",
    "members": "select audience, customer_key, address, fingerprint, since from pii.destination_members",
    "opt_outs": "select destination, channel, address, reason from pii.opt_outs",
}
SERVER = {"server", "spec", "_lock", "violations", "calls", "faults"}


class Shop:
    """A destination that knows the members of one night, and of the next night's work has done nothing."""

    def __init__(self, harness: Harness):
        self.harness = harness
        self.settings = settings(
            there=place(harness, guards={}, compare="never")
        )  # the first export waits for approval
        self.connections = dict.fromkeys(("vendor", "there"), harness.connection(harness.key))
        with connect() as session:
            session.execute(TABLES)
            to = sql.Identifier(session.info.dbname)  # it is not the server that is killed
            session.execute(sql.SQL("alter database {} set synchronous_commit = off").format(to))
        decide_for(harness, people(harness, PEOPLE))
        self.run(NIGHT)
        # of fifty ten leave, ten come, five have another address, and all others another stage
        tomorrow = people(harness, PEOPLE, first=10) | people(harness, 10, first=100)
        tomorrow |= {f"k{n:03}": harness.address(n + 500) for n in range(20, 25)}
        decide_for(harness, tomorrow, as_of=TOMORROW, stage="silent")
        self._tell_of_opt_outs()
        self.kept = self._keep()

    def _tell_of_opt_outs(self) -> None:
        if self.harness.twin is None:
            column = "email" if self.harness.channel == "email" else "phone"
            told = "\n".join([column, *map(self.harness.address, (300, 301))])
            with self.harness.place() as place:
                place.write("optouts/june.csv", io.BytesIO(told.encode()))
            return
        for n, reason in enumerate(self.harness.reasons, 300):
            self.harness.opt_out(self.harness.address(n), reason)
        if not self.harness.messages:
            self.harness.spoil(self.harness.address(105))

    def _keep(self) -> dict[str, Any]:
        with connect() as session:
            session.execute("create schema kept")
            for table in KEPT:
                session.execute(f"create table kept.{table.split('.')[1]} as table {table}")
        if self.harness.twin is None:
            return self.there()
        return deepcopy({name: value for name, value in vars(self.harness.twin).items() if name not in SERVER})

    def again(self) -> None:
        """As it was before the second night."""
        with connect() as session:
            session.execute(f"truncate {', '.join(KEPT)}")
            for table in KEPT:
                session.execute(f"insert into {table} table kept.{table.split('.')[1]}")
        if self.harness.twin is None:
            self.harness.replace(self.kept)
            return
        for name, value in deepcopy(self.kept).items():
            setattr(self.harness.twin, name, value)

    def run(self, as_of: date = TOMORROW, **kill: Any) -> Counter | None:
        return killed_night(self.settings, as_of, self.connections, **kill)

    def there(self) -> Any:
        """What the destination has; of messages, every single one."""
        if self.harness.twin is None:
            return self.harness.contents()
        if self.harness.messages:
            return Counter((m["to"], m["body"]) for m in self.harness.twin.messages)
        return {"people": self.harness.people(), "opted out": self.harness.opted_out()}

    def told(self) -> dict[str, set[tuple]]:
        """What the warehouse holds for true."""
        with connect() as session:
            return {name: {tuple(row.values()) for row in session.execute(query)} for name, query in TOLD.items()}


@contextlib.contextmanager
def opened(made: type[Harness], channel: str) -> Iterator[Shop]:
    harness = made(channel)
    try:
        yield Shop(harness)
        assert harness.twin is None or harness.twin.violations == []
    finally:
        harness.close()


# the first of every kind at every point; the same code with another channel, or another place for files, at a few
FIRST = {(harnesses_of(kind)[0], channels_of(kind)[0]) for kind in registry.kinds()}
FEW = 4


@pytest.mark.parametrize(
    ("made", "channel"), KINDS, ids=[f"{m.__name__.removesuffix('Harness')}-{c}" for m, c in KINDS]
)
def test_killed_anywhere_and_run_again_nothing_is_different_and_no_message_goes_twice(warehouse, made, channel):
    with opened(made, channel) as shop:
        before, seen = shop.there(), shop.run()
        there, told = shop.there(), shop.told()
        assert {status for *_, status in told["rows"]} <= {"done", "rejected"}
        assert {"a plan not yet written", "before a commit"} <= set(seen)
        assert {"a change handed over", "an account not yet written"} & set(seen)
        chance = Random(f"{made.__name__} {channel}")
        points = passages(seen, chance)
        for point, at in points if (made, channel) in FIRST else chance.sample(points, FEW):
            shop.again()
            assert shop.there() == before
            shop.run(deadly=point, at=at)
            shop.run()
            compare = same_messages if shop.harness.messages else same
            compare(shop, there, told, f"killed at passage {at} of {seen[point]}: {point}")


def same(shop: Shop, there: Any, told: dict[str, set[tuple]], where: str) -> None:
    assert shop.there() == there, where
    assert shop.told() == told, where


def same_messages(shop: Shop, there: Counter, told: dict[str, set[tuple]], where: str) -> None:
    """Each message once, or the person stands there as one of whom it is not known."""
    sent, rows = shop.there(), {row[:3]: row[3] for row in shop.told()["rows"]}
    assert not sent - there, where
    unknown = [row for row, status in rows.items() if status == "handed_over"]
    assert len(unknown) <= 1, where
    assert (there - sent).total() <= len(unknown), where
    expected = {row[:3]: row[3] for row in told["rows"]}
    assert rows == expected | dict.fromkeys(unknown, "handed_over"), where
    # whoever may have had the message counts as told, tonight and in later nights
    assert shop.told()["ledger"] == told["ledger"], where
    assert shop.told()["members"] == told["members"], where
    assert shop.told()["opt_outs"] == told["opt_outs"], where
