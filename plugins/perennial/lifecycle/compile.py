"""Compile a lifecycle model to SQL over one episode.

Within an episode only elapsed days change, so a model is a step function of the day. For the dbt models we write
* `stage`: the stage on day `day` of episode `e`, first match wins;
* `stage_without_trend`: the same with every trend condition false, to tell when a trend decided;
* `days` and `clocks`: every day on which the stage can change, and the clock that changes it: the episode's `opening`,
  `recency` of an event (or a date it announced), `silence` since the latest order, `tenure` since the first.

Columns of an episode: orders, first_order_on, last_order_on (null without an order), cycle_days, trend, spend,
recent_spend, events (type -> day of the latest), scheduled (type -> day announced by the latest).
"""

from perennial.config.conditions import Condition, Event, Range
from perennial.config.lifecycle import Lifecycle, LifecycleModel

ROUNDING = "0.0000005"  # floor(x + half a millionth) = floor(x rounded to six decimals)
VALUES = {"total": "e.spend", "average": "e.spend / nullif(e.orders, 0)", "last_365_days": "e.recent_spend"}


def compile_model(name: str, model: LifecycleModel) -> dict[str, object]:
    """The pieces of SQL of one model, keyed by what they are."""
    boundaries: dict[tuple[str, str], None] = {("opening", "e.episode_on"): None}
    for stage in model.stages:
        if stage.when:
            boundaries |= dict.fromkeys(_boundaries(stage.when))
    return {
        "name": name,
        "version": model.version,
        "stage": _case(model, trend=True),
        "stage_without_trend": _case(model, trend=False),
        "days": [day for _, day in boundaries],
        "clocks": [clock for clock, _ in boundaries],
    }


def compile_enabled(lifecycle: Lifecycle) -> list[dict[str, object]]:
    """All enabled models, in the order of the setting."""
    return [compile_model(name, lifecycle.models[name]) for name in lifecycle.enabled]


def _case(model: LifecycleModel, *, trend: bool) -> str:
    *conditional, last = model.stages
    lines = [f"when {predicate(s.when, trend=trend)} then '{s.stage}'" for s in conditional]
    return f"case {' '.join(lines)} else '{last.stage}' end"


def predicate(condition: Condition, *, trend: bool = True) -> str:
    """A SQL test of `condition` on day `day` of episode `e`; never null."""
    if condition.all:
        return "(" + " and ".join(predicate(c, trend=trend) for c in condition.all) + ")"
    if condition.any:
        return "(" + " or ".join(predicate(c, trend=trend) for c in condition.any) + ")"
    if condition.not_:
        return f"(not {predicate(condition.not_, trend=trend)})"
    if condition.orders:
        return _within("e.orders", condition.orders)
    if condition.value:
        return f"coalesce({VALUES[condition.value.of]} + {ROUNDING} >= {condition.value.at_least!r}, false)"
    if condition.tenure_days:
        return f"coalesce({_within('(day - e.first_order_on)', condition.tenure_days)}, false)"
    if condition.tenure_cycles:
        low, high = condition.tenure_cycles.low, condition.tenure_cycles.high
        tests = [f"day >= {_after_cycles(low)}"] if low is not None else []
        tests += [f"day < {_beyond_cycles(high)}"] if high is not None else []
        return f"coalesce({' and '.join(tests)}, false)"
    if condition.late:
        return f"coalesce(day >= {_late_on(condition)}, false)"
    if condition.event:
        return f"coalesce({_event_holds(condition.event)}, false)"
    if condition.scheduled:
        sign = "<" if condition.scheduled.is_ == "ahead" else ">="
        return f"coalesce(day {sign} {_scheduled_on(condition.scheduled.type)}, false)"
    return f"(e.trend = '{condition.trend}')" if trend else "false"


def _boundaries(condition: Condition) -> list[tuple[str, str]]:
    """(clock, SQL date) of every day on which the condition can flip within an episode."""
    found = [boundary for part in condition.parts for boundary in _boundaries(part)]
    if condition.late:
        found.append(("silence", _late_on(condition)))
    if condition.tenure_days:
        low, high = condition.tenure_days.low, condition.tenure_days.high
        found += [("tenure", f"(e.first_order_on + {low})")] if low is not None else []
        found += [("tenure", f"(e.first_order_on + {high + 1})")] if high is not None else []
    if condition.tenure_cycles:
        low, high = condition.tenure_cycles.low, condition.tenure_cycles.high
        found += [("tenure", _after_cycles(low))] if low is not None else []
        found += [("tenure", _beyond_cycles(high))] if high is not None else []
    if condition.event and condition.event.within_days is not None:
        found.append(("recency", _event_ends(condition.event)))
    if condition.scheduled:
        found.append(("recency", _scheduled_on(condition.scheduled.type)))
    return found


def _within(value: str, bounds: Range) -> str:
    if bounds.low == bounds.high:
        return f"({value} = {bounds.low})"
    tests = [f"{value} >= {bounds.low}"] if bounds.low is not None else []
    tests += [f"{value} <= {bounds.high}"] if bounds.high is not None else []
    return "(" + " and ".join(tests) + ")"


def _late_on(condition: Condition) -> str:
    """The first day of lateness: the day after max(cycles x cycle, floor) full days of silence."""
    return _day_after("e.last_order_on", condition.late.cycles, condition.late.floor_days)


def _day_after(start: str, cycles: float, days: int) -> str:
    """The day after max(cycles x cycle, days) full days from `start`."""
    if not cycles:
        return f"({start} + {days + 1})"
    return f"({start} + cast(floor(greatest({cycles!r} * e.cycle_days, {days}) + {ROUNDING}) as integer) + 1)"


def _after_cycles(count: int) -> str:
    """The first day on which the tenure is at least `count` cycles."""
    return f"(e.first_order_on + cast(ceil({count} * e.cycle_days - {ROUNDING}) as integer))"


def _beyond_cycles(count: int) -> str:
    """The first day on which the tenure is more than `count` cycles."""
    return f"(e.first_order_on + cast(floor({count} * e.cycle_days + {ROUNDING}) as integer) + 1)"


def _event_on(types: list[str]) -> str:
    """The day of the latest event of these types that the episode knows."""
    days = [f"cast(e.events ->> '{name}' as date)" for name in types]
    return days[0] if len(days) == 1 else f"greatest({', '.join(days)})"


def _event_ends(event: Event) -> str:
    """The first day on which the latest event is too old."""
    return _day_after(_event_on(event.types), event.cycles, event.within_days)


def _event_holds(event: Event) -> str:
    """Only dates of events: null while one of them never happened."""
    latest = _event_on(event.types)
    tests = [f"{latest} >= {'e.last_order_on' if name == 'order' else _event_on([name])}" for name in event.since]
    tests += [f"{latest} is not null" if event.within_days is None else f"day < {_event_ends(event)}"]
    return " and ".join(tests)


def _scheduled_on(name: str) -> str:
    return f"cast(e.scheduled ->> '{name}' as date)"
