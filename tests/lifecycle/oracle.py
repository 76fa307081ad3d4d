"""The lifecycle rules evaluated one customer and one day at a time, written from the design and not from the SQL.

Slow and plain on purpose: no SQL, no precomputed boundaries, no intervals. Amounts are whole cents.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from math import ceil, exp, floor, log, sqrt

from perennial.config import conditions
from perennial.config.conditions import Condition
from perennial.config.lifecycle import Cycle, Lifecycle, LifecycleModel, Population, Trend

Test = Callable[[date], bool]

CENT_NOISE = 5e-7  # amounts are compared with a threshold as if both had six decimals


@dataclass(frozen=True)
class Refund:
    on: date
    cents: int


@dataclass(frozen=True)
class Order:
    on: date
    cents: int
    refunds: tuple[Refund, ...] = ()
    cancelled_on: date | None = None

    @property
    def cancelled_as_counted(self) -> date | None:
        """The cancellation day; nothing is cancelled before it was ordered."""
        return self.cancelled_on and max(self.cancelled_on, self.on)

    @property
    def refunds_that_matter(self) -> list[Refund]:
        """Refunds up to the cancellation, none before the order-day: a cancellation gives back all that is left."""
        shifted = [Refund(max(r.on, self.on), r.cents) for r in self.refunds]
        end = self.cancelled_as_counted
        return [r for r in shifted if end is None or r.on <= end]

    def net_seen(self, day: date) -> int:
        """What the order is worth to somebody who knows everything up to `day`, 0 if it does not count."""
        if self.on > day or self.cents <= 0:
            return 0
        if self.cancelled_as_counted is not None and self.cancelled_as_counted <= day:
            return 0
        return max(0, self.cents - sum(r.cents for r in self.refunds_that_matter if r.on <= day))

    @property
    def touches(self) -> set[date]:
        """The order-day of an order that counts, and the days of its refunds and of its cancellation."""
        days = {r.on for r in self.refunds_that_matter}
        if self.net_seen(self.on) > 0:
            days.add(self.on)
        return days if self.cancelled_as_counted is None else days | {self.cancelled_as_counted}


@dataclass(frozen=True)
class Event:
    """Something else that a source tells of, on a business day; `seq` orders the events of one day."""

    type: str
    on: date
    scheduled_for: date | None = None
    seq: int = 0


@dataclass(frozen=True)
class Customer:
    key: str
    registered_on: date | None = None
    orders: tuple[Order, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def known_on(self) -> date | None:
        """First day anything is known, None for nobody."""
        return min([o.on for o in self.orders] + [d for d in [self.registered_on] if d], default=None)

    @property
    def happened(self) -> list[Event]:
        """The events of the sources, and those that registration, refunds and cancellations are; none before known."""
        own = [Event("registration", self.registered_on)] if self.registered_on else []
        for order in self.orders:
            own += [Event("refund", r.on) for r in order.refunds_that_matter]
            if order.cancelled_as_counted:
                own.append(Event("cancellation", order.cancelled_as_counted))
        known_on = self.known_on
        return [event for event in (*own, *self.events) if known_on and event.on >= known_on]

    def as_known_on(self, as_of: date) -> "Customer":
        """The same customer as far as anybody can know on `as_of`."""
        return Customer(
            self.key,
            self.registered_on if self.registered_on and self.registered_on <= as_of else None,
            tuple(
                Order(
                    o.on,
                    o.cents,
                    tuple(r for r in o.refunds if max(r.on, o.on) <= as_of),
                    o.cancelled_on if o.cancelled_on and max(o.cancelled_on, o.on) <= as_of else None,
                )
                for o in self.orders
                if o.on <= as_of
            ),
            tuple(event for event in self.events if event.on <= as_of),
        )


@dataclass(frozen=True)
class Settings:
    cycle: Cycle
    trend: Trend
    population: tuple[Population, ...]
    events: frozenset[str] = frozenset()

    @classmethod
    def of(cls, config: Lifecycle) -> "Settings":
        """The settings part of the configuration file, and the event types that the enabled models name."""
        return cls(config.cycle, config.trend, tuple(config.population), frozenset(config.events))

    def in_force(self, day: date) -> Population:
        """The population row that an episode opening on `day` is pulled towards."""
        return [p for p in self.population if p.effective_from is None or p.effective_from <= day][-1]


def clamp(value: float, low: float, high: float) -> float:
    """`value`, moved into [low, high]."""
    return max(low, min(high, value))


@dataclass
class Episode:
    """What is known about a customer from the opening of an episode until its end."""

    customer: Customer
    settings: Settings
    opened_on: date
    happened: list[Event]  # all that ever counts, what comes after the opening included
    spend: dict[date, int] = field(init=False)
    _tests: dict[int, tuple[Condition, Test]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.spend = {}
        for order in self.customer.orders:
            worth = order.net_seen(self.opened_on)
            if worth > 0:
                self.spend[order.on] = self.spend.get(order.on, 0) + worth

    @cached_property
    def order_days(self) -> list[date]:
        return sorted(self.spend)

    @cached_property
    def n(self) -> int:
        return len(self.spend)

    @cached_property
    def first(self) -> date:
        return self.order_days[0]

    @cached_property
    def last(self) -> date:
        return self.order_days[-1]

    @cached_property
    def cycle(self) -> float:
        """Typical days between order-days, pulled towards the population's gap."""
        rule, prior = self.settings.cycle, self.settings.in_force(self.opened_on).median_gap_days
        gaps = [(b - a).days for a, b in zip(self.order_days, self.order_days[1:], strict=False)]
        own = sum(log(g) for g in gaps)
        mean = (rule.prior_weight * log(prior) + own) / (rule.prior_weight + max(self.n - 1, 0))
        return clamp(exp(mean), rule.shortest_days, rule.longest_days)

    @cached_property
    def latest(self) -> dict[str, Event]:
        """The latest event of each type that the episode sees."""
        seen = [event for event in self.happened if event.on <= self.opened_on]
        return {event.type: event for event in sorted(seen, key=lambda event: (event.on, event.seq))}

    @cached_property
    def window(self) -> int:
        rule = self.settings.trend
        days = clamp(rule.window_cycles * self.cycle, rule.shortest_days, rule.longest_days)
        return floor(round(days, 6))

    @cached_property
    def trend(self) -> str | None:
        """'up', 'down', 'flat', or None while two windows do not fit into her history."""
        if self.n == 0 or (self.last - self.first).days < 2 * self.window:
            return None
        rule, w = self.settings.trend, timedelta(days=self.window)
        recent = [d for d in self.order_days if self.last - w < d <= self.last]
        before = [d for d in self.order_days if self.last - 2 * w < d <= self.last - w]
        s0, s1 = (sum(self.spend[d] for d in days) / 100 for days in (recent, before))
        f0, f1 = len(recent), len(before)
        tau = (s0 - s1) / (s1 + self.settings.in_force(self.opened_on).order_value / 2)
        z = (f0 - f1) / sqrt(max(1, f0 + f1))
        if tau >= rule.spend_up and z >= rule.significance:
            return "up"
        if tau <= rule.spend_down and z <= -rule.significance:
            return "down"
        return "flat"

    def value(self, of: str) -> float | None:
        """Net spend in the reporting currency, None for the average of nothing."""
        if of == "average":
            return sum(self.spend.values()) / self.n / 100 if self.n else None
        year_before = self.opened_on - timedelta(days=365)
        return sum(cents for day, cents in self.spend.items() if of == "total" or day > year_before) / 100

    def describe(self) -> str:
        """Everything of the episode, for people who look into a failed test."""
        latest = {name: f"{event.on} for {event.scheduled_for}" for name, event in self.latest.items()}
        seen = f"episode from {self.opened_on}, latest events {latest}: {self.n} order-days"
        if self.n == 0:
            return seen
        return (
            f"{seen} from {self.first} to {self.last}, cycle {self.cycle!r}, window {self.window}, trend {self.trend}"
        )

    def holds(self, rule: Condition, day: date) -> bool:
        """Does the condition hold on `day`, a day of this episode?"""
        if id(rule) not in self._tests:
            self._tests[id(rule)] = (rule, self.test(rule))  # a rule that is kept keeps its id
        return self._tests[id(rule)][1](day)

    def test(self, rule: Condition) -> Test:
        """What the condition asks on a day, once everything is known that the opening of the episode decides."""
        if rule.all is not None:
            parts = [self.test(part) for part in rule.all]
            return lambda day: all(part(day) for part in parts)
        if rule.any is not None:
            parts = [self.test(part) for part in rule.any]
            return lambda day: any(part(day) for part in parts)
        if rule.not_ is not None:
            part = self.test(rule.not_)
            return lambda day: not part(day)
        if rule.late is not None:
            return self.late(rule.late)
        if rule.tenure_days is not None:
            return self.tenure(rule.tenure_days.low, rule.tenure_days.high)
        if rule.tenure_cycles is not None:
            low, high = rule.tenure_cycles.low, rule.tenure_cycles.high
            return self.tenure(
                None if low is None else ceil(round(low * self.cycle, 6)),
                None if high is None else floor(round(high * self.cycle, 6)),
            )
        if rule.event is not None:
            return self.recent(rule.event)
        if rule.scheduled is not None:
            return self.scheduled(rule.scheduled)
        if rule.orders is not None:
            return always(within(self.n, rule.orders.low, rule.orders.high))
        if rule.trend is not None:
            return always(self.trend == rule.trend)
        if rule.value is not None:
            value = self.value(rule.value.of)
            return always(value is not None and value >= rule.value.at_least - CENT_NOISE)
        raise AssertionError(f"the oracle does not know this condition yet: {rule}")

    def late(self, rule: conditions.Late) -> Test:
        """Silent for more than max(cycles x personal cycle, floor_days) days."""
        if self.n == 0:
            return always(False)
        last, allowed = self.last, floor(round(max(rule.cycles * self.cycle, rule.floor_days), 6))
        return lambda day: (day - last).days > allowed

    def tenure(self, low: int | None, high: int | None) -> Test:
        """Is the age since the first order in the range?"""
        if self.n == 0:
            return always(False)
        first = self.first
        return lambda day: within((day - first).days, low, high)

    def recent(self, rule: conditions.Event) -> Test:
        """Did one of the events happen, lately enough and not before what it has to follow?"""
        latest = max((self.latest[name].on for name in rule.types if name in self.latest), default=None)
        if latest is None:
            return always(False)
        for name in rule.since:
            if name == "order":
                earlier = self.last if self.n else None
            else:
                earlier = self.latest[name].on if name in self.latest else None
            if earlier is None or latest < earlier:
                return always(False)
        if rule.within_days is None:
            return always(True)
        allowed = floor(round(max(rule.cycles * self.cycle, rule.within_days), 6))
        return lambda day: (day - latest).days <= allowed

    def scheduled(self, rule: conditions.Scheduled) -> Test:
        """Is the date that the latest event of the type announced ahead, or has it passed?"""
        event = self.latest.get(rule.type)
        announced = event and event.scheduled_for
        if announced is None:
            return always(False)
        return (lambda day: day < announced) if rule.is_ == "ahead" else (lambda day: day >= announced)


def always(answer: bool) -> Test:
    """The test whose answer is the same on every day."""
    return lambda day: answer


def within(number: int, low: int | None, high: int | None) -> bool:
    """Is the number in the range, bounds included?"""
    return (low is None or number >= low) and (high is None or number <= high)


class History:
    """One customer under one group of settings; answers for any day since first known."""

    def __init__(self, customer: Customer, settings: Settings):
        self.customer, self.settings = customer, settings
        self.known_on = customer.known_on
        self.happened = [event for event in customer.happened if event.type in settings.events]
        touches = [o.touches for o in customer.orders]
        self.openings = sorted({self.known_on, *(event.on for event in self.happened)}.union(*touches))
        self._episodes: dict[date, Episode] = {}

    def episode(self, day: date) -> Episode:
        """The episode that contains `day`: opened by the latest touch on or before it."""
        opened_on = self.openings[bisect_right(self.openings, day) - 1]
        if opened_on not in self._episodes:
            self._episodes[opened_on] = Episode(self.customer, self.settings, opened_on, self.happened)
        return self._episodes[opened_on]

    def stage(self, model: LifecycleModel, day: date) -> str:
        """The first stage whose condition holds."""
        episode = self.episode(day)
        return next(s.stage for s in model.stages if s.when is None or episode.holds(s.when, day))
