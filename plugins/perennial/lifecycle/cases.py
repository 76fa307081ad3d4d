"""What a stage demands of a customer, taken apart into cases that hold no alternatives.

`demand` turns a condition that shall hold, or shall not, into single demands joined by `All` and `AnyOf`; `cases` walks
through the ways to meet them all, and leaves every way at the first contradiction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import floor, inf

from perennial.config.conditions import Condition, Event, Value
from perennial.lifecycle.ages import (
    DAY,
    FIRST,
    LAST,
    Gap,
    at_least_cycles,
    at_most,
    fewer_cycles,
    more_than,
    possible_cycle,
)

TRENDS = frozenset({"none", "flat", "up", "down"})
ANNOUNCED = frozenset({"none", "ahead", "passed"})
CENT = 0.01


@dataclass(frozen=True)
class Orders:
    """Order-days from `low` to `high`."""

    low: int
    high: float = inf


@dataclass(frozen=True)
class Trends:
    """The trend is one of these."""

    of: frozenset[str]


@dataclass(frozen=True)
class Happened:
    """An event of this type happened, or never did."""

    type: str
    ever: bool


@dataclass(frozen=True)
class Announced:
    """The date announced by the latest event of a type is in one of these states."""

    type: str
    states: frozenset[str]


@dataclass(frozen=True)
class Money:
    """An amount of net spend is at least `low` and below `high`."""

    of: str
    low: float = 0
    high: float = inf


@dataclass(frozen=True)
class All:
    """Every one of these; nothing at all if there are none."""

    of: tuple = ()


@dataclass(frozen=True)
class AnyOf:
    """One of these; impossible if there are none."""

    of: tuple = ()


Demand = Orders | Trends | Happened | Announced | Money | Gap | All | AnyOf


def demand(condition: Condition | None, *, holds: bool, ordered: bool) -> Demand:
    """What it takes that the condition (None: always) holds, or does not, for a customer with or without an order."""
    if condition is None:
        return _always(holds)
    both, either = (All, AnyOf) if holds else (AnyOf, All)
    if condition.all:
        return both(tuple(demand(c, holds=holds, ordered=ordered) for c in condition.all))
    if condition.any:
        return either(tuple(demand(c, holds=holds, ordered=ordered) for c in condition.any))
    if condition.not_:
        return demand(condition.not_, holds=not holds, ordered=ordered)
    if condition.orders:
        low, high = condition.orders.low or 0, condition.orders.high
        inside = Orders(low, inf if high is None else high)
        outside = [Orders(0, low - 1)] + ([Orders(high + 1)] if high is not None else [])
        return inside if holds else AnyOf(tuple(outside))
    if condition.trend:
        return Trends(frozenset({condition.trend}) if holds else TRENDS - {condition.trend})
    if condition.scheduled:
        states = frozenset({condition.scheduled.is_})
        return Announced(condition.scheduled.type, states if holds else ANNOUNCED - states)
    if condition.event:
        return _event(condition.event, holds, ordered)
    if condition.value:
        return _value(condition.value, holds, ordered)
    if not ordered:  # neither silence nor tenure before the first order
        return _always(not holds)
    if condition.late:
        cycles, days = condition.late.cycles, condition.late.floor_days
        return _older(LAST, days, cycles) if holds else _at_most(LAST, days, cycles)
    return _tenure(condition, holds)


def _always(true: bool) -> Demand:
    return All() if true else AnyOf()


def _older(name: str, days: int, cycles: float) -> Demand:
    """Older than max(days, cycles)."""
    return All((more_than(name, days), *([more_than(name, 0, cycles)] if cycles else [])))


def _at_most(name: str, days: int, cycles: float) -> Demand:
    return AnyOf((at_most(name, days), *([at_most(name, 0, cycles)] if cycles else [])))


def _tenure(condition: Condition, holds: bool) -> Demand:
    if condition.tenure_days:
        low, high = condition.tenure_days.low, condition.tenure_days.high
        enough = None if low is None else (more_than(FIRST, low - 1), at_most(FIRST, low - 1))
        short = None if high is None else (at_most(FIRST, high), more_than(FIRST, high))
    else:
        low, high = condition.tenure_cycles.low, condition.tenure_cycles.high
        enough = None if low is None else (at_least_cycles(FIRST, low), fewer_cycles(FIRST, low))
        short = None if high is None else (at_most(FIRST, 0, high), more_than(FIRST, 0, high))
    bounds = [bound for bound in (enough, short) if bound]
    return All(tuple(b[0] for b in bounds)) if holds else AnyOf(tuple(b[1] for b in bounds))


def _value(value: Value, holds: bool, ordered: bool) -> Demand:
    if not ordered:  # nothing spent, and no average of nothing
        return _always(holds == (value.of != "average" and value.at_least < CENT / 2))
    return Money(value.of, low=value.at_least) if holds else Money(value.of, high=value.at_least)


def _event(event: Event, holds: bool, ordered: bool) -> Demand:
    """The latest of several types is recent enough if one of them is."""
    if not ordered and "order" in event.since:
        return _always(not holds)
    return AnyOf(tuple(map(_meets(event), event.types))) if holds else All(tuple(map(_fails(event), event.types)))


def _meets(event: Event):
    def wanted(name: str) -> Demand:
        demands: list[Demand] = [Happened(name, True)]
        if event.within_days is not None:
            demands.append(_at_most(name, event.within_days, event.cycles))
        for since in event.since:
            demands += [Gap(name, LAST, 0)] if since == "order" else [Happened(since, True), Gap(name, since, 0)]
        return All(tuple(demands))

    return wanted


def _fails(event: Event):
    def wanted(name: str) -> Demand:
        ways: list[Demand] = []
        if event.within_days is not None:
            ways.append(_older(name, event.within_days, event.cycles))
        for since in event.since:
            if since == "order":
                ways.append(Gap(LAST, name, -1))
            else:
                ways += [Happened(since, False), All((Happened(since, True), Gap(since, name, -1)))]
        return AnyOf((Happened(name, False), All((Happened(name, True), AnyOf(tuple(ways))))))

    return wanted


@dataclass(frozen=True)
class Case:
    """Demands without alternatives that do not plainly contradict each other."""

    low: int
    high: float
    trends: frozenset[str]
    cycles: tuple[float, float]  # shortest and longest personal cycle, in days
    missing: frozenset[str] = frozenset()  # event types that never happen
    gaps: tuple[Gap, ...] = ()
    happened: dict[str, bool] = field(default_factory=dict)
    announced: dict[str, frozenset[str]] = field(default_factory=dict)
    money: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, ordered: bool, cycles: tuple[float, float], missing: frozenset[str]) -> "Case":
        """Nothing demanded yet of a customer with or without an order."""
        if not ordered:
            return cls(0, 0, frozenset({"none"}), cycles, missing)
        since_orders = (Gap(DAY, LAST, 0), Gap(LAST, FIRST, 0))
        return cls(1, inf, TRENDS, cycles, missing, since_orders)

    @property
    def events(self) -> list[str]:
        """The event types that happened, in the order they were demanded."""
        return [name for name, ever in self.happened.items() if ever]

    def add(self, wanted: Demand) -> "Case | None":
        """The case with one more demand: itself if it says nothing new, None if it contradicts."""
        if isinstance(wanted, Orders):
            low, high = max(self.low, wanted.low), min(self.high, wanted.high)
            if (low, high) == (self.low, self.high):
                return self
            new = replace(self, low=low, high=high)
            if low > high or new.least_spend >= new.most_spend:
                return None
            return new._with_gap(Gap(LAST, FIRST, 1 - low)) if low > 1 else new
        if isinstance(wanted, Trends):
            trends = self.trends & wanted.of
            return self if trends == self.trends else replace(self, trends=trends) if trends else None
        if isinstance(wanted, Happened):
            return self._with_event(wanted.type, wanted.ever)
        if isinstance(wanted, Announced):
            return self._with_announcement(wanted)
        if isinstance(wanted, Money):
            return self._with_money(wanted)
        return self._with_gap(wanted)

    def _with_gap(self, gap: Gap) -> "Case | None":
        alike = [g.days for g in self.gaps if (g.of, g.than, g.cycles) == (gap.of, gap.than, gap.cycles)]
        if alike and min(alike) <= gap.days:
            return self
        new = replace(self, gaps=(*self.gaps, gap))
        return None if possible_cycle(new.gaps, *self.cycles) is None else new

    def _with_event(self, name: str, ever: bool) -> "Case | None":
        if name in self.happened:
            return self if self.happened[name] == ever else None
        if ever and name in self.missing:
            return None
        new = replace(self, happened=self.happened | {name: ever})
        if ever:
            return replace(new, gaps=(*self.gaps, Gap(DAY, name, 0)))
        return new._with_announcement(Announced(name, frozenset({"none"})))

    def _with_announcement(self, wanted: Announced) -> "Case | None":
        before = self.announced.get(wanted.type, ANNOUNCED)
        states = before & wanted.states
        if not states or states == before:
            return self if states else None
        new = replace(self, announced=self.announced | {wanted.type: states})
        return new if "none" in states else new._with_event(wanted.type, True)

    def _with_money(self, wanted: Money) -> "Case | None":
        before = self.money.get(wanted.of, (0, inf))
        now = max(before[0], wanted.low), min(before[1], wanted.high)
        if now == before:
            return self
        new: Case | None = replace(self, money=self.money | {wanted.of: now})
        if new.least_spend >= new.most_spend or now[0] >= now[1]:
            return None
        new = new.add(new._orders_between_amounts())
        if new is None:
            return None
        # what was spent, but not in the last 365 days, was spent before them
        recent_below = new.money.get("last_365_days", (0, inf))[1]
        return new._with_gap(more_than(FIRST, 364)) if recent_below <= new.least_spend else new

    def _orders_between_amounts(self) -> Orders:
        """How many order-days the bounds of the total and of the average leave possible, a cent's noise aside."""
        total, total_below = self.money.get("total", (0, inf))
        average, average_below = self.money.get("average", (0, inf))
        fewest = floor((total - CENT / 2) / average_below) + 1 if total > CENT else 0
        most = (total_below + CENT / 2) / (average - CENT / 2) if average > CENT else inf
        return Orders(fewest, floor(most) if most < inf else inf)

    @property
    def spans(self) -> list[int]:
        """Days from the first to the latest order that are worth trying, since the tenure turns there."""
        turns = {abs(round(g.days)) for g in self.gaps if FIRST in (g.of, g.than) and not g.cycles}
        return sorted({turn + more for turn in turns for more in (-1, 0, 1) if turn + more > 0})

    @property
    def least_spend(self) -> float:
        """The least that was spent in all: every order-day is worth a cent."""
        low = {name: bounds[0] for name, bounds in self.money.items()}
        return max(
            CENT * self.low, low.get("total", 0), low.get("last_365_days", 0), low.get("average", 0) * max(1, self.low)
        )

    @property
    def most_spend(self) -> float:
        """What was spent in all is less than this."""
        high = {name: bounds[1] for name, bounds in self.money.items()}
        return min(high.get("total", inf), high.get("average", inf) * self.high)


class TooManyWays(Exception):
    """There are more ways to meet the demands than there is time for."""


def cases(case: Case, demands: list[Demand], steps: Iterator[int]) -> Iterator[Case]:
    """Every way to meet the demands: first whatever leaves no choice, then the choice with the fewest ways out.

    Every choice takes one of the `steps`; TooManyWays when they are used up.
    """
    if next(steps, None) is None:
        raise TooManyWays
    choices: list[AnyOf] = []
    demands = [*demands]
    while demands:
        wanted = demands.pop()
        if isinstance(wanted, All):
            demands += wanted.of
        elif isinstance(wanted, AnyOf):
            choices.append(wanted)
        else:
            case = case.add(wanted)
            if case is None:
                return
    open_choices: list[tuple] = []
    for choice in choices:
        ways = [(way, _meets_at_once(case, way)) for way in choice.of]
        if any(new is case for _, new in ways):
            continue  # met already
        open_choices.append(tuple(way for way, new in ways if new is not None))
    if not open_choices:
        yield case
        return
    fewest = min(range(len(open_choices)), key=lambda n: len(open_choices[n]))
    others = [AnyOf(ways) for n, ways in enumerate(open_choices) if n != fewest]
    for way in open_choices[fewest]:
        yield from cases(case, [*others, way], steps)


def _meets_at_once(case: Case, way: Demand) -> Case | None:
    """The case with all of the demand that leaves no choice; the same one only if it is met; None if it cannot be."""
    if isinstance(way, AnyOf):
        tries = [_meets_at_once(case, w) for w in way.of]
        if any(new is case for new in tries):
            return case
        return replace(case) if any(tries) else None
    if not isinstance(way, All):
        return case.add(way)
    new = case
    for part in way.of:
        new = _meets_at_once(new, part)
        if new is None:
            return None
    return new
