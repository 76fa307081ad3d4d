"""Systems of differences between ages: how long before a day things happened, in days.

A `Gap` says that one age exceeds another by at most a number of days plus a number of personal cycles. For a known
cycle such a system is solved exactly in whole days; for an unknown one it is refuted, or a cycle is found at which
fractions of days would solve it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, inf

DAY, LAST, FIRST = "day", "last order", "first order"  # the day itself has age 0
ROUNDING = 5e-7  # cycles are rounded to six decimals before they are compared with days
STRICTLY = 1e-9
NOISE = 1e-10


@dataclass(frozen=True)
class Gap:
    """The age of `of` is at most that of `than` plus `days` plus `cycles` personal cycles."""

    of: str
    than: str
    days: float
    cycles: float = 0.0


def at_most(of: str, days: float, cycles: float = 0) -> Gap:
    """`of` lies at most so many days and cycles back."""
    return Gap(of, DAY, days + (ROUNDING if cycles else 0), cycles)


def more_than(of: str, days: float, cycles: float = 0) -> Gap:
    """`of` lies more than so many days and cycles back."""
    return Gap(DAY, of, -days - (ROUNDING + STRICTLY if cycles else 1), -cycles)


def at_least_cycles(of: str, cycles: float) -> Gap:
    """`of` lies at least so many cycles back."""
    return Gap(DAY, of, ROUNDING, -cycles)


def fewer_cycles(of: str, cycles: float) -> Gap:
    """`of` lies less than so many cycles back."""
    return Gap(of, DAY, -ROUNDING - STRICTLY, cycles)


def possible_cycle(gaps: Iterable[Gap], low: float, high: float) -> float | None:
    """A personal cycle in [low, high] at which fractions of days solve the system; None if there is none.

    Every contradiction found at one cycle is a ring of gaps, and rules out all cycles on one side of it.
    """
    gaps = [*gaps]
    while low <= high:
        cycle = (low + high) / 2
        ring = _contradiction(gaps, cycle)
        if ring is None:
            return cycle
        days, cycles = sum(g.days for g in ring), sum(g.cycles for g in ring)
        if abs(cycles) < NOISE or high - low < NOISE:
            return None
        if cycles > 0:
            low = -days / cycles
        else:
            high = -days / cycles
    return None


def _contradiction(gaps: list[Gap], cycle: float) -> list[Gap] | None:
    """Gaps in a ring that together demand an age to exceed itself; None if the system can be solved."""
    ages = dict.fromkeys([name for g in gaps for name in (g.of, g.than)], 0.0)
    because: dict[str, Gap] = {}
    changed: str | None = None
    for _ in ages:
        changed = None
        for gap in gaps:
            bound = ages[gap.than] + gap.days + gap.cycles * cycle
            if bound < ages[gap.of] - NOISE:
                ages[gap.of], because[gap.of], changed = bound, gap, gap.of
        if changed is None:
            break
    if changed is None:
        return None
    for _ in ages:  # walk back until surely inside the ring
        changed = because[changed].than
    ring, name = [because[changed]], because[changed].than
    while name != changed:
        ring.append(because[name])
        name = because[name].than
    return ring


def solve(gaps: Iterable[Gap], cycle: float, wishes: dict[str, int]) -> dict[str, int] | None:
    """Ages in whole days that satisfy every gap, close to the `wishes`; None if there are none.

    An age that may be wished for is rounded to fives and tens where that is allowed.
    """
    names = [DAY, *wishes]
    most = {(a, b): 0.0 if a == b else inf for a in names for b in names}
    for gap in gaps:
        bound = floor(gap.days + gap.cycles * cycle)
        most[gap.of, gap.than] = min(most[gap.of, gap.than], bound)
    for name in names:
        _close(most, names, name)
    if any(most[name, name] < 0 for name in names):
        return None
    ages = {}
    for name, wish in wishes.items():
        age = ages[name] = _round(int(-most[DAY, name]), most[name, DAY], wish)
        most[name, DAY], most[DAY, name] = age, -age
        _close(most, names, name)
        _close(most, names, DAY)
    return ages


def _close(most: dict[tuple[str, str], float], names: list[str], by: str) -> None:
    for a in names:
        for b in names:
            most[a, b] = min(most[a, b], most[a, by] + most[by, b])


def _round(low: int, high: float, wish: int) -> int:
    """A number in [low, high] near the wish, round if possible."""
    wish = int(min(max(wish, low), high))
    for step in (10, 5):
        rounded = -(-wish // step) * step
        if rounded <= high and (wish >= step or wish == low > 0):
            return rounded
    return wish
