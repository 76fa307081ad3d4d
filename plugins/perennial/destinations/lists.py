"""What tools with lists of people have in common: one list per audience, filled and emptied in bulk.

lists: {ending_soon: Y6nRLr}      # the tool's own list per audience; others are found or made by name
list_name: "Perennial {audience}"
prefix: perennial_                # of the attributes' names, so that nobody else's are overwritten
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from perennial.connections import Connection
from perennial.destinations import base
from perennial.destinations.base import Change, Delivery, Member, Outcome
from perennial.entry import Identifier, Misplaced
from perennial.errors import FatalError, RetriableError
from perennial.http_client import Client, Refused

NAME = r"^[^{}]*\{audience\}[^{}]*(\{channel\}[^{}]*)?$"
ROW_FAULTS = {400, 413, 422}  # what a vendor answers to a batch because of some of its rows
REFUSALS = 60  # of batches within a delivery; more means that it is not about single rows
FAILURES = 2  # batches in a row that fail before the rest is left for another run


class ListSettings(base.Settings):
    """What every tool with lists is told."""

    connection: Identifier
    lists: dict[Identifier, str] = Field(default_factory=dict)  # the tool's own list, by audience; others go by name
    list_name: str = Field(default="Perennial {audience} ({channel})", pattern=NAME)  # of those that are made
    prefix: str = Field(default="perennial_", pattern=r"^[A-Za-z][A-Za-z0-9_]*$")  # of the attributes' names

    @property
    def target(self) -> str:
        """Lists: who may have e-mail must not stand among those who may have messages."""
        return f"lists '{self.name_of('...')}' of connection '{self.connection}'"

    def name_of(self, audience: str) -> str:
        """The name of an audience's list where none is given under `lists`."""
        return self.list_name.format(audience=audience, channel=self.channel)

    @model_validator(mode="after")
    def _one_list_each(self) -> Self:
        """No two audiences have the same list."""
        if len(set(self.lists.values())) < len(self.lists):
            raise Misplaced("two audiences have the same list; who leaves one would leave both", "lists")
        return self


@dataclass(frozen=True, slots=True)
class Row:
    """A change and how it reads in the tool's language (empty if somebody is taken out)."""

    change: Change
    piece: bytes

    def became(self, status: str, error: str | None = None, remote_id: str | None = None) -> Outcome:
        """An outcome of this change that names no address."""
        member = self.change.member
        if error:
            error = error.replace(member.address, "(address)")
        return Outcome(member.customer_key, self.change.op, status, error, remote_id or member.remote_id)


@dataclass(frozen=True)
class Limits:
    """What one request may hold."""

    rows: int
    size: int  # bytes of all rows and what stands between them
    row_size: int  # bytes
    leaving: int  # people taken out at once


@dataclass
class _Errand:
    """A delivery under way: the list, what is known of the batch at hand, and batches refused so far."""

    audience: str
    list_id: str
    known: list[Outcome] = field(default_factory=list)
    refusals: int = 0


class ListTool(ABC):
    """A destination that keeps a list per audience. Subclasses speak a vendor's language."""

    at_most_once: ClassVar[bool] = False
    vendor: ClassVar[str]
    limits: ClassVar[Limits]
    culprit: ClassVar[re.Pattern | None] = None  # finds the number of a row in the reasons for a refusal

    def __init__(self, settings: ListSettings, connection: Connection | None):
        self.settings = settings
        self.connection = connection
        self.receipt: dict[str, Any] = {}

    @property
    @abstractmethod
    def client(self) -> Client:
        """The account; made when it is first needed."""

    @abstractmethod
    def find(self, name: str) -> str | None:
        """The id of the list of that name."""

    @abstractmethod
    def make(self, name: str) -> str:
        """A new list, and its id."""

    @abstractmethod
    def exists(self, list_id: str) -> bool:
        """Whether the tool still has the list."""

    @abstractmethod
    def piece(self, member: Member) -> bytes:
        """A person in the tool's language; whatever has to be there before is looked at when it is first needed."""

    @abstractmethod
    def put(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        """Make these people known and part of the list."""

    @abstractmethod
    def take(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        """Take these people out of the list, and out of nothing else."""

    def deliver(self, delivery: Delivery) -> Iterator[Outcome]:
        """Outcomes batch by batch; a batch that fails does not hold up the next, two in a row do."""
        errand, failures = None, 0
        for kind, rows in batches(delivery.changes, self.piece, self.limits):
            if kind == "too large":
                yield from (row.became("rejected", "more than the tool takes of one person") for row in rows)
                continue
            if errand is None:
                must_exist = any(row.change.op != "add" and row.change.is_sure for row in rows)
                errand = _Errand(delivery.audience, self._list(delivery.audience, must_exist))
                self.receipt = {"list": errand.list_id}
            errand.known = []
            try:
                self._send(errand, self.put if kind == "add" else self.take, rows)
                failures = 0
            except RetriableError as fault:
                failures += 1
                settled = {outcome.customer_key for outcome in errand.known}
                open_ = (row for row in rows if row.change.member.customer_key not in settled)
                errand.known += [row.became("failed", str(fault)) for row in open_]
                if failures == FAILURES:
                    yield from errand.known
                    raise
            yield from errand.known

    def list_of(self, audience: str) -> str | None:
        """The id of an audience's list, None if it has none yet."""
        if audience in self.settings.lists:
            return str(self.settings.lists[audience])
        return self.find(self.settings.name_of(audience))

    def _list(self, audience: str, must_exist: bool) -> str:
        found = self.list_of(audience)
        if audience in self.settings.lists and not self.exists(found):
            raise self._gone(audience, found)
        if found:
            return found
        name = self.settings.name_of(audience)
        if must_exist:
            raise self._gone(audience, f"'{name}'")
        return self.make(name)

    def _gone(self, audience: str, which: str) -> FatalError:
        return FatalError(
            f"audience '{audience}': its list {which} is gone from {self.vendor}, and with it the people delivered "
            "before. Deliver the audience anew, to a list that exists (`lists` of the destination) or to a new one."
        )

    def _send(self, errand: "_Errand", how: Callable[[str, list[Row]], Iterator[Outcome]], rows: list[Row]) -> None:
        """Send a batch; if it is refused, without the rows that are to blame, or in halves until they are found."""
        if not rows:
            return
        try:
            errand.known += list(how(errand.list_id, rows))
        except Refused as refusal:
            if refusal.status == 404 and not self.exists(errand.list_id):
                raise self._gone(errand.audience, errand.list_id) from None
            errand.refusals += 1
            if refusal.status not in ROW_FAULTS or errand.refusals > REFUSALS:
                raise
            blamed = self._blamed(refusal, len(rows)) or ({0} if len(rows) == 1 else set())
            if blamed:
                errand.known += [rows[n].became("rejected", refusal.reason) for n in sorted(blamed)]
                parts = [[row for n, row in enumerate(rows) if n not in blamed]]
            else:
                parts = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
            for part in parts:
                self._send(errand, how, part)

    def _blamed(self, refusal: Refused, rows: int) -> set[int]:
        errors = refusal.answer.get("errors") if isinstance(refusal.answer, dict) else None
        if self.culprit is None or not isinstance(errors, list):
            return set()
        found = [self.culprit.search(str(error)) for error in errors]
        return {int(match[1]) for match in found if match and int(match[1]) < rows} if all(found) else set()


def batches(
    changes: Iterable[Change], piece: Callable[[Member], bytes], limits: Limits
) -> Iterator[tuple[Literal["add", "remove", "too large"], list[Row]]]:
    """Changes in batches within the limits; who leaves goes before who comes, who may have the same address."""
    coming: list[Row] = []
    leaving: list[Row] = []
    size = 0
    for change in changes:
        if change.op == "remove":
            leaving.append(Row(change, b""))
            if len(leaving) == limits.leaving:
                yield "remove", leaving
                leaving = []
            continue
        row = Row(change, piece(change.member))
        weight = len(row.piece) + 1
        if weight > limits.row_size:
            yield "too large", [row]
            continue
        if coming and (len(coming) == limits.rows or size + weight > limits.size):
            if leaving:
                yield "remove", leaving
            yield "add", coming
            coming, leaving, size = [], [], 0
        coming.append(row)
        size += weight
    if leaving:
        yield "remove", leaving
    if coming:
        yield "add", coming
