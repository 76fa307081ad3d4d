"""Compile a lifecycle model to SQL over one episode.

Within an episode only elapsed days change, so a model is a step function of the day. For the dbt models we write
* `stage`: the stage on day `day` of episode `e`, first match wins;
* `stage_without_trend`: the same with every trend condition false, to tell when a trend decided;
* `candidates`: every day on which the stage can change, with the clock that changes it: the episode's `opening`,
  `silence` since the latest order, or `tenure` since the first.

Columns of an episode: orders, first_order_on, last_order_on (null without an order), cycle_days, trend.
"""

from perennial.config.lifecycle import Condition, Lifecycle, LifecycleModel, Range

ROUNDING = "0.0000005"  # floor(x + half a millionth) = floor(x rounded to six decimals)


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
        "candidates": ", ".join(f"({day}, '{clock}')" for clock, day in boundaries),
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
    if condition.tenure_days:
        return f"coalesce({_within('(day - e.first_order_on)', condition.tenure_days)}, false)"
    if condition.tenure_cycles:
        low, high = condition.tenure_cycles.low, condition.tenure_cycles.high
        tests = [f"day >= {_after_cycles(low)}"] if low is not None else []
        tests += [f"day < {_beyond_cycles(high)}"] if high is not None else []
        return f"coalesce({' and '.join(tests)}, false)"
    if condition.late:
        return f"coalesce(day >= {_late_on(condition)}, false)"
    return f"(e.trend = '{condition.trend}')" if trend else "false"


def _boundaries(condition: Condition) -> list[tuple[str, str]]:
    """(clock, SQL date) of every day on which the condition can flip within an episode."""
    parts = [
        *(condition.all or []),
        *(condition.any or []),
        *([condition.not_] if condition.not_ else []),
    ]
    found = [boundary for part in parts for boundary in _boundaries(part)]
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
    return found


def _within(value: str, bounds: Range) -> str:
    if bounds.low == bounds.high:
        return f"({value} = {bounds.low})"
    tests = [f"{value} >= {bounds.low}"] if bounds.low is not None else []
    tests += [f"{value} <= {bounds.high}"] if bounds.high is not None else []
    return "(" + " and ".join(tests) + ")"


def _late_on(condition: Condition) -> str:
    """The first day of lateness: the day after max(cycles x cycle, floor) full days of silence."""
    late = condition.late
    if not late.cycles:
        return f"(e.last_order_on + {late.floor_days + 1})"
    days = f"greatest({late.cycles!r} * e.cycle_days, {late.floor_days})"
    return f"(e.last_order_on + cast(floor({days} + {ROUNDING}) as integer) + 1)"


def _after_cycles(count: int) -> str:
    """The first day on which the tenure is at least `count` cycles."""
    return f"(e.first_order_on + cast(ceil({count} * e.cycle_days - {ROUNDING}) as integer))"


def _beyond_cycles(count: int) -> str:
    """The first day on which the tenure is more than `count` cycles."""
    return f"(e.first_order_on + cast(floor({count} * e.cycle_days + {ROUNDING}) as integer) + 1)"
