"""What a destination is: told who belongs to an audience, it says of each person what became of it.

A destination is one module of this package with two classes:

    Settings(base.Settings)   what config/destinations.yml says; `kind` is a Literal with the module's name
    Destination               made of settings and the connection they name; see the protocol below

The registry finds it, and so does the contract test. No destination has a way to subscribe anybody: consent is decided
in the warehouse, and what a tool knows of a person's own wish is never overwritten, only read (`opt_outs`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field

from perennial.connections import Connection
from perennial.entry import Entry, Identifier

Channel = Literal["email", "sms"]
Op = Literal["add", "update", "remove"]
Reason = Literal["unsubscribed", "complaint", "bounced", "blocked"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Guards(Entry):
    """When a plan waits for approval; null switches a share off."""

    first: bool = True  # the first export of an audience
    empty: bool = True  # nobody is left of an audience that had members
    removals: float | None = Field(default=0.20, gt=0, le=1)  # more than this share of the members would be taken out
    size: float | None = Field(default=0.30, gt=0)  # it would grow or shrink by more than this share
    from_members: int = Field(default=20, ge=1)  # before or after: shares of fewer surprise nobody


class Settings(Entry):
    """What every destination is told. Secrets stand in the connection, never here."""

    kind: str
    channel: Channel
    connection: Identifier | None = None  # of Airflow, with address and secrets
    attributes: tuple[Identifier, ...] = ("stage", "abc_tier")  # columns of marts.customer_360
    guards: Guards = Guards()
    others_wait: bool = True  # while it does not tell who opted out nobody is added on its channel, or only not to it

    # when its lists are read back and held against ours, and up to how many members: each hundred cost Klaviyo a call
    compare: Weekday | Literal["every_night", "never"] = "sunday"
    compare_up_to: int = Field(default=100_000, ge=1)

    @property
    def tells_of(self) -> tuple[Channel, ...]:
        """The channels whose opt-outs it may know."""
        return (self.channel,)

    @property
    def target(self) -> str | None:
        """What two destinations must not share, such as a folder; None if there is no such thing."""
        return None


@dataclass(frozen=True, slots=True)
class Member:
    """A person of an audience, as a tool may know her."""

    customer_key: str
    address: str = field(repr=False)  # e-mail address, or phone number in E.164
    attributes: Mapping[str, Any]  # text, numbers and days by name; None clears what the tool has
    remote_id: str | None = None  # the tool's own id, once it told us


@dataclass(frozen=True, slots=True)
class Change:
    """What a destination does not know yet: somebody belongs to the audience, changed, or is to be taken out."""

    op: Op
    member: Member
    is_sure: bool = True  # False to take out somebody who was being told of when it broke off: she may not be there


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change. `failed` may work later, `rejected` never will as it is; `error` names no address.

    `handed_over`: what became of a message is not known, and it is not sent again.
    """

    customer_key: str
    op: Op
    status: Literal["done", "rejected", "failed", "handed_over"]
    error: str | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """Everybody of the audience was told of at once: all changes are done, but those of members that were left out."""

    left_out: Mapping[str, str]  # customer_key: why, without an address


@dataclass(frozen=True)
class Delivery:
    """One audience of one night on its way to one destination."""

    plan: str  # the same whenever the same night is delivered again
    as_of: date
    valid_until: date  # after this day nobody should act on it any more
    audience: str
    changes: Iterable[Change]  # what the destination has not acknowledged yet; read once, as slowly as it is worked on
    # everybody who belongs to it afterwards, in order of the key; not while changes are being read
    members: Callable[[], Iterator[Member]]
    attributes: tuple[str, ...]  # names of the attributes each member has


@dataclass(frozen=True, slots=True)
class OptOut:
    """A person's own wish, or an address that does not work, as the tool knows it."""

    address: str = field(repr=False)
    channel: Channel
    reason: Reason
    at: datetime


class Destination(Protocol):
    """Where audiences go. Errors: RetriableError for a passing fault, FatalError for one that a person has to mend.

    What it needs from a network it asks for when it is used, not when it is made.
    """

    # whether somebody who was handed over as new must not be handed over again, whatever became of it (a message, not
    # a list); a new address is then no reason to write to her again
    at_most_once: ClassVar[bool]
    receipt: dict[str, Any]  # after a delivery, what proves it, e.g. file and sha256; no address

    def __init__(self, settings: Any, connection: Connection | None): ...

    def deliver(self, delivery: Delivery) -> Iterator[Outcome | Whole]:
        """One outcome per change, in any order, as soon as it is known; or one for all, where changes are not read.

        Delivering the same again changes nothing.
        """
        ...

    def opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Who opted out after that moment, or ever."""
        ...

    def readback(self, audience: str) -> Iterator[str] | None:
        """Addresses the tool has in the audience, to compare with ours; None if it cannot tell."""
        ...
