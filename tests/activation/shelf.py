"""A destination that lives in memory and fails as it is told."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar, Literal

from perennial import config
from perennial.config.audiences import Audience
from perennial.destinations import base
from perennial.errors import FatalError, RetriableError


class Settings(base.Settings):
    """A shelf has no place of its own; tests look at Destination.shelf."""

    kind: Literal["shelf"]
    at_most_once: bool = False


class Killed(BaseException):
    """The process is gone; nothing of ours may catch this."""


class Destination:
    """Keeps addresses by audience; counts what it was told."""

    shelf: ClassVar[dict[str, dict[str, dict]]] = {}  # audience -> address -> attributes
    told: ClassVar[list[tuple[str, str]]] = []  # (op, customer_key), also of what was not acknowledged
    reject: ClassVar[set[str]] = set()
    fail: ClassVar[set[str]] = set()
    mute: ClassVar[set[str]] = set()  # channels of which it does not tell who opted out
    break_after: ClassVar[int | None] = None
    how: ClassVar[type[BaseException]] = RetriableError
    batch = 2
    at_most_once = False

    def __init__(self, settings: Settings, connection):
        self.at_most_once = settings.at_most_once
        self.channel = settings.channel
        self.receipt: dict = {}

    def deliver(self, delivery: base.Delivery) -> Iterator[base.Outcome]:
        """Told in batches, acknowledged after each."""
        pending: list[base.Change] = []
        for change in delivery.changes:
            pending.append(change)
            self._tell(delivery, change)
            if len(pending) == self.batch:
                yield from self._acknowledged(pending)
                pending = []
        yield from self._acknowledged(pending)
        self.receipt = {"told": len(self.told)}

    def _tell(self, delivery: base.Delivery, change: base.Change) -> None:
        if self.break_after is not None and len(self.told) >= self.break_after:
            raise self.how("the shelf broke")
        self.told.append((change.op, change.member.customer_key))
        shelf = self.shelf.setdefault(delivery.audience, {})
        if change.op == "remove":
            if change.member.customer_key not in self.reject:
                shelf.pop(change.member.address, None)
        elif change.member.customer_key not in self.reject | self.fail:
            shelf[change.member.address] = dict(change.member.attributes)

    def _acknowledged(self, changes: list[base.Change]) -> Iterator[base.Outcome]:
        for change in changes:
            key = change.member.customer_key
            status = "rejected" if key in self.reject else "failed" if key in self.fail else "done"
            yield base.Outcome(key, change.op, status, None if status == "done" else "not liked", f"id-{key}")

    def opt_outs(self, since):
        """Nobody, if it tells."""
        if self.channel in self.mute:
            raise FatalError(f"the key for {self.channel} expired")
        return iter(())

    def readback(self, audience: str):
        """Addresses on the shelf."""
        return iter(self.shelf.get(audience, {}))


def clean() -> None:
    """A new shelf that does not fail."""
    Destination.shelf.clear()
    Destination.told.clear()
    Destination.reject, Destination.fail, Destination.mute, Destination.break_after = set(), set(), set(), None
    Destination.how = RetriableError


def on_shelf(audience: str = "lost") -> set[str]:
    """The addresses that are there."""
    return set(Destination.shelf.get(audience, {}))


MODULE = SimpleNamespace(Settings=Settings, Destination=Destination)


def settings(audiences=("lost",), destinations=("shelf",), **more) -> config.Config:
    """The shipped configuration with shelves and these audiences; guards are off unless told otherwise."""
    guards = more.pop("guards", {"first": False})
    channel = more.pop("at", "email")
    places = {
        name: Settings(kind="shelf", channel=channel, guards=base.Guards(**guards), **more) for name in destinations
    }
    shipped = config.load()
    one = next(iter(shipped.audiences.audiences.values()))
    chosen: dict[str, Audience] = {
        name: one.model_copy(update={"destinations": list(destinations), "purpose": "marketing"}) for name in audiences
    }
    return replace(
        shipped,
        audiences=shipped.audiences.model_copy(update={"audiences": chosen}),
        destinations=shipped.destinations.model_copy(update={"destinations": places}),
    )


def people(count: int, first: int = 0) -> dict[str, str]:
    """So many people: key -> address."""
    return {f"k{n:04}": f"p{n}@example.com" for n in range(first, first + count)}
