"""Typed conditions of lifecycle models: what can be asked about a customer on a day, and nothing else."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perennial.entry import Entry, Identifier


class Text(Entry):
    """A text people read, in both languages of the field."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Range(Entry):
    """A whole number, bounded on one or both sides."""

    at_least: int | None = Field(default=None, ge=0, le=36_500)
    at_most: int | None = Field(default=None, ge=0, le=36_500)
    exactly: int | None = Field(default=None, ge=0, le=36_500)

    @model_validator(mode="after")
    def _says_something(self) -> "Range":
        """`exactly` alone, or `at_least`, `at_most` or both, in this order."""
        if self.exactly is None and self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most or exactly")
        if self.exactly is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("takes exactly, or at_least and at_most, not both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least} is more than at_most {self.at_most}: nothing is in between")
        return self

    @property
    def low(self) -> int | None:
        """Smallest accepted number, None if open."""
        return self.exactly if self.exactly is not None else self.at_least

    @property
    def high(self) -> int | None:
        """Largest accepted number, None if open."""
        return self.exactly if self.exactly is not None else self.at_most


class Late(Entry):
    """Silent for more than max(cycles x personal cycle, floor_days) days."""

    cycles: float = Field(default=0, ge=0, le=1000)
    floor_days: int = Field(ge=0, le=3650)


class Value(Entry):
    """Net spend when the episode opened, in the reporting currency.

    All of it, the average of an order-day, or of the 365 days up to the opening.
    """

    of: Literal["total", "average", "last_365_days"] = "total"
    at_least: float = Field(ge=0, allow_inf_nan=False)


class Event(Entry):
    """The latest event of these types is at most max(cycles x personal cycle, within_days) days old.

    Without `within_days` any age will do. With `since` it must not be older than her latest order, or than the latest
    event of another type.
    """

    types: list[Identifier] = Field(min_length=1)
    within_days: int | None = Field(default=None, ge=0, le=3650)
    cycles: float = Field(default=0, ge=0, le=1000)
    since: list[Identifier] = Field(default_factory=list)

    @model_validator(mode="after")
    def _cycles_need_a_floor(self) -> "Event":
        """`order` is no type of event; `cycles` needs `within_days` beside it."""
        if "order" in self.types:
            raise ValueError("types: 'order' is no event; ask for orders, tenure or late instead")
        if self.cycles and self.within_days is None:
            raise ValueError("cycles needs within_days beside it, the fewest days to count")
        return self


class Scheduled(Entry):
    """The date that the latest event of a type announced, such as the end of a contract, is ahead or has passed."""

    type: Identifier
    is_: Literal["ahead", "passed"] = Field(alias="is")


class Condition(Entry):
    """Exactly one test, or a combination of conditions."""

    all: Annotated[list["Condition"], Field(min_length=1)] | None = None
    any: Annotated[list["Condition"], Field(min_length=1)] | None = None
    not_: "Condition | None" = Field(default=None, alias="not")
    orders: Range | None = None
    tenure_days: Range | None = None
    tenure_cycles: Range | None = None
    late: Late | None = None
    trend: Literal["up", "down"] | None = None
    value: Value | None = None
    event: Event | None = None
    scheduled: Scheduled | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Condition":
        """Exactly one key is given."""
        given = [key for key in self.model_fields_set if getattr(self, key) is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one condition here; combine several with 'all' or 'any'")
        return self

    @property
    def parts(self) -> "list[Condition]":
        """The conditions this one combines."""
        return [*(self.all or []), *(self.any or []), *([self.not_] if self.not_ else [])]


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every condition within `condition` that combines no others."""
    if not condition.parts:
        yield condition
    for part in condition.parts:
        yield from leaves(part)


def event_conditions(condition: Condition) -> Iterator[str]:
    """Every event type that `condition` names."""
    for leaf in leaves(condition):
        if leaf.event:
            yield from leaf.event.types
            yield from (name for name in leaf.event.since if name != "order")
        if leaf.scheduled:
            yield leaf.scheduled.type
