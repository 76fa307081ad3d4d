"""A customer on one day and what a lifecycle condition makes of her: the rules of compile.py for one person, in Python.

Numbers are those of her episode, unrounded, so that every answer is the one that the timeline gives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, floor
from typing import Any

from perennial.config.conditions import Condition, Event, Late, Range, Scheduled, Value
from perennial.config.lifecycle import LifecycleModel, Stage

ROUNDING = 0.0000005  # as compile.py


@dataclass(frozen=True)
class Moment:
    """What is known about a customer on `day`; days are whole, money is in the reporting currency.

    Dates, changes and `recent_spend` are None where there is nothing to tell, such as before the first order.
    """

    day: date
    orders: int = 0
    first_order_on: date | None = None
    last_order_on: date | None = None
    cycle_days: float | None = None
    spend: float = 0
    recent_spend: float | None = None
    window_days: int | None = None
    trend: str = "none"
    spend_change: float | None = None
    frequency_change: float | None = None
    events: dict[str, date] = field(default_factory=dict)
    scheduled: dict[str, date] = field(default_factory=dict)

    @classmethod
    def of_episode(cls, episode: dict[str, Any], day: date) -> "Moment":
        """Day `day` of a row of int_episodes that was read as JSON."""
        given = {name: episode.get(name) for name in cls.__dataclass_fields__ if episode.get(name) is not None}
        for name in ("first_order_on", "last_order_on"):
            if name in given:
                given[name] = date.fromisoformat(given[name])
        for name in ("events", "scheduled"):
            given[name] = {k: date.fromisoformat(v) for k, v in given.get(name, {}).items() if v}
        return cls(**given | {"day": day})

    @property
    def silence_days(self) -> int | None:
        """Days since the latest order."""
        return self.last_order_on and (self.day - self.last_order_on).days

    @property
    def tenure_days(self) -> int | None:
        """Days since the first order."""
        return self.first_order_on and (self.day - self.first_order_on).days

    def numbers(self) -> dict[str, Any]:
        """Everything that rules ask for, rounded for people; the keys never change."""
        return {
            "day": self.day,
            "orders": self.orders,
            "first_order_on": self.first_order_on,
            "last_order_on": self.last_order_on,
            "silence_days": self.silence_days,
            "tenure_days": self.tenure_days,
            "cycle_days": _rounded(self.cycle_days, 1),
            "spend": _rounded(self.spend, 2),
            "recent_spend": _rounded(self.recent_spend, 2),
            "trend": self.trend,
            "spend_change": _rounded(self.spend_change, 3),
            "frequency_change": _rounded(self.frequency_change, 2),
            "events": self.events,
            "scheduled": self.scheduled,
        }


def holds(condition: Condition, moment: Moment) -> bool:
    """Whether the condition is true of the customer on that day."""
    if condition.all:
        return all(holds(part, moment) for part in condition.all)
    if condition.any:
        return any(holds(part, moment) for part in condition.any)
    if condition.not_:
        return not holds(condition.not_, moment)
    kind = kind_of(condition)
    return LEAVES[kind](getattr(condition, kind), moment)


def decided(condition: Condition, moment: Moment) -> list[tuple[Condition, bool]]:
    """The single tests that made the condition true or false, each with what it came to.

    The first true one of an `any` or the first false one of an `all` is enough; otherwise it took all of them.
    """
    if condition.not_:
        return decided(condition.not_, moment)
    if not condition.parts:
        return [(condition, holds(condition, moment))]
    enough = bool(condition.any)
    for part in condition.parts:
        if holds(part, moment) == enough:
            return decided(part, moment)
    return [leaf for part in condition.parts for leaf in decided(part, moment)]


def first_match(model: LifecycleModel, moment: Moment) -> Stage:
    """The stage of the model on that day."""
    return next(s for s in model.stages if s.when is None or holds(s.when, moment))


def kind_of(condition: Condition) -> str:
    """The name of the one field that is set."""
    return next(name for name in Condition.model_fields if getattr(condition, name) is not None)


def full_days(cycles: float, days: int, moment: Moment) -> int:
    """max(cycles x personal cycle, days) in full days."""
    return floor(max(cycles * (moment.cycle_days or 0), days) + ROUNDING)


def latest(types: list[str], moment: Moment) -> tuple[str, date] | None:
    """The latest of these events with its day, None if none ever happened."""
    found = [(name, moment.events[name]) for name in types if name in moment.events]
    return max(found, key=lambda event: event[1], default=None)


def _in_cycles(bounds: Range, moment: Moment) -> bool:
    if moment.tenure_days is None:
        return False
    low, high = bounds.low, bounds.high
    return (low is None or moment.tenure_days >= ceil(low * moment.cycle_days - ROUNDING)) and (
        high is None or moment.tenure_days <= full_days(high, 0, moment)
    )


def _within(value: int | None, bounds: Range) -> bool:
    return (
        value is not None
        and (bounds.low is None or value >= bounds.low)
        and (bounds.high is None or value <= bounds.high)
    )


def _late(late: Late, moment: Moment) -> bool:
    return moment.silence_days is not None and moment.silence_days > full_days(late.cycles, late.floor_days, moment)


def measured(value: Value, moment: Moment) -> float | None:
    """The amount that a condition on value looks at."""
    average = moment.spend / moment.orders if moment.orders else None
    return {"total": moment.spend, "average": average, "last_365_days": moment.recent_spend}[value.of]


def _worth(value: Value, moment: Moment) -> bool:
    amount = measured(value, moment)
    return amount is not None and amount + ROUNDING >= value.at_least


def _event(event: Event, moment: Moment) -> bool:
    found = latest(event.types, moment)
    if found is None:
        return False
    for name in event.since:
        other = moment.last_order_on if name == "order" else moment.events.get(name)
        if other is None or found[1] < other:
            return False
    if event.within_days is None:
        return True
    return moment.day <= found[1] + timedelta(days=full_days(event.cycles, event.within_days, moment))


def _scheduled(scheduled: Scheduled, moment: Moment) -> bool:
    announced = moment.scheduled.get(scheduled.type)
    return announced is not None and (moment.day < announced) == (scheduled.is_ == "ahead")


LEAVES: dict[str, Callable[[Any, Moment], bool]] = {
    "orders": lambda bounds, moment: _within(moment.orders, bounds),
    "tenure_days": lambda bounds, moment: _within(moment.tenure_days, bounds),
    "tenure_cycles": _in_cycles,
    "late": _late,
    "trend": lambda direction, moment: moment.trend == direction,
    "value": _worth,
    "event": _event,
    "scheduled": _scheduled,
}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)
