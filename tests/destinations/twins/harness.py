"""What the contract test needs to know of each kind of destination: how to make one, and what really arrived."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, NoReturn

import pytest
from pydantic import TypeAdapter

from perennial.connections import Connection
from perennial.destinations import registry
from perennial.destinations.base import Change, Delivery, Destination, Member, Outcome, Whole
from twins.vendor import Twin

NIGHT, UNTIL = date(2018, 1, 5), date(2018, 1, 12)
AUDIENCE = "win_back"


class Harness:
    """One kind with one channel. A kind without a server of its own leaves `twin` alone."""

    kind: ClassVar[str]
    twin: Twin | None = None
    messages = False  # tells people something instead of keeping a list
    bulk: str  # the call that carries many people
    bulk_rows: int
    key: str
    conn_extra: ClassVar[dict[str, str]] = {}
    limits: ClassVar[list[str]] = []

    def __init__(self, channel: str):
        self.channel = channel

    def settings(self) -> dict[str, Any]:
        return {"connection": "vendor"}

    def destination(self, key: str | None = None, **more: Any) -> Destination:
        known = {"kind": self.kind, "channel": self.channel, **self.settings(), **more}
        settings = TypeAdapter(registry.kinds()[self.kind].Settings).validate_python(known)
        return registry.make(settings, self.connection(key or self.key))

    def connection(self, key: str) -> Connection | None:
        return Connection("http", host=self.twin.url, password=key)

    def address(self, n: int) -> str:
        return f"person{n}@example.com" if self.channel == "email" else f"+1413555{n:04}"

    def people(self) -> dict[str, dict[str, Any]]:
        """Who is in the audience's list, with the attributes by our names."""
        self._not_told("who is in a list")

    def opt_out(self, address: str, reason: str) -> None:
        """The person says so at the vendor, on 2018-01-04 at noon."""
        self._not_told("how people opt out")

    def opted_out(self) -> set[str]:
        """Whom the vendor would not write to."""
        self._not_told("who opted out")

    def another_list(self, address: str) -> Callable[[], bool]:
        """Puts somebody into a list of somebody else's; the function tells whether she is still in it."""
        self._not_told("how to fill another list")

    def spoil(self, address: str) -> None:
        """The vendor takes everybody but this one."""
        self._not_told("how one person is refused")

    def _not_told(self, what: str) -> NoReturn:
        pytest.fail(f"{type(self).__name__} does not say {what}, and the test asks")

    def close(self) -> None:
        if self.twin:
            self.twin.stop()


@dataclass
class Result:
    """What a delivery came to."""

    outcomes: list[Outcome]

    def by_status(self) -> dict[str, int]:
        return {s: len(list(g)) for s, g in itertools.groupby(sorted(o.status for o in self.outcomes))}


def delivery(changes: Iterable[Change], members: Iterable[Member] = ()) -> Delivery:
    """A delivery of the audience of all tests."""
    everybody = list(members)
    return Delivery("plan", NIGHT, UNTIL, AUDIENCE, changes, lambda: iter(everybody), ("stage", "orders"))


def member(harness: Harness, n: int, stage: str | None = "lost", orders: int | None = 3, **more: Any) -> Member:
    return Member(f"k{n}", harness.address(n), {"stage": stage, "orders": orders}, **more)


def changes(op: str, people: Iterable[Member]) -> Iterator[Change]:
    return (Change(op, person) for person in people)


def outcomes_of(destination: Destination, told: Delivery) -> Iterator[Outcome]:
    """One per change, also where the destination speaks of all at once."""
    for outcome in destination.deliver(told):
        yield from _of_each(told, outcome) if isinstance(outcome, Whole) else [outcome]


def _of_each(told: Delivery, whole: Whole) -> Iterator[Outcome]:
    for change in told.changes:
        key = change.member.customer_key
        problem = whole.left_out.get(key) if change.op != "remove" else None
        yield Outcome(key, change.op, "rejected" if problem else "done", problem)
