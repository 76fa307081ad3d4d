"""A customer for every stage of a lifecycle model, or the reason why there is none.

A stage is searched through the cases in which it is the first match (`cases`): those that no history can meet are
refuted, for the others plain order histories are tried until one fits. So a witness is a customer who can exist, and a
stage is only called impossible when every case was refuted; what is neither stays open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import floor, inf

from perennial.config.lifecycle import Lifecycle, LifecycleModel, Population, Stage
from perennial.lifecycle.ages import DAY, FIRST, LAST, Gap, possible_cycle, solve
from perennial.lifecycle.cases import Case, Demand, TooManyWays, cases, demand
from perennial.lifecycle.histories import History, Measures, histories

CENT = 100
CHUNK, MOST_STEPS, FINELY_SEARCHED, HALVINGS = 24, 1500, 8, 7


@dataclass(frozen=True)
class Witness:
    """A customer on a day: orders at these distances in days, and when else something happened.

    `gaps` are the days between her order-days, oldest first; `cents` what these came to; `silence` the days since the
    latest one (None without an order); `events` days since the latest of a type; `announced` whether the date that one
    announced is ahead or passed; `population` the row in force when her episode opened.
    """

    cycle: float
    population: Population
    gaps: tuple[int, ...] = ()
    cents: tuple[int, ...] = ()
    silence: int | None = None
    trend: str = "none"
    events: tuple[tuple[str, int], ...] = ()
    announced: tuple[tuple[str, str], ...] = ()
    tells_spend: bool = False

    def __str__(self) -> str:
        said = [self._orders(), *self._silence()]
        if self.trend in ("up", "down"):
            said.append("spend and frequency " + {"up": "rising", "down": "falling"}[self.trend])
        if self.tells_spend and self.cents:
            said.append(f"spent {sum(self.cents) / CENT:,.2f}")
        said += [f"{name} {_ago(age)}" for name, age in self.events]
        said += [f"date of {name} {'still ahead' if state == 'ahead' else 'passed'}" for name, state in self.announced]
        return ", ".join(said)

    def _orders(self) -> str:
        if self.silence is None:
            return "no order yet"
        days, span = len(self.gaps) + 1, sum(self.gaps)
        if not span:
            return "1 order-day"
        said = f"{days} order-days over {span} day{'s' * (span > 1)}"
        if len(set(self.gaps)) == 1:
            return said
        turn = next(n for n, gap in enumerate(self.gaps) if gap != self.gaps[0])
        return f"{said} ({turn} x {self.gaps[0]} days apart, then {days - 1 - turn} x {self.gaps[-1]})"

    def _silence(self) -> list[str]:
        if self.silence is None:
            return []
        silent = f"silent for {self.silence} day{'s' * (self.silence != 1)}" if self.silence else "ordered today"
        return [f"cycle {round(self.cycle, 1):g}", silent]


def _ago(age: int) -> str:
    return "today" if not age else f"{age} day{'s' * (age > 1)} ago"


@dataclass(frozen=True)
class Found:
    """What was found for a stage: a witness, or whether it is certain that there is none."""

    stage: Stage
    witness: Witness | None = None
    impossible: bool = False


class Search:
    """Searches the stages of one model; events in `missing` never happen."""

    def __init__(self, model: LifecycleModel, lifecycle: Lifecycle, missing: frozenset[str] = frozenset()):
        self.model, self.missing = model, missing
        self.measures = Measures.all_of(lifecycle)
        self.cycles = (lifecycle.cycle.shortest_days, lifecycle.cycle.longest_days)

    def stages(self) -> list[Found]:
        """A finding for each stage."""
        return [self.first_match(index) for index in range(len(self.model.stages))]

    def first_match(self, index: int, among: int | None = None) -> Found:
        """A customer of the stage; with `among`, one for whom the condition of that later stage holds too."""
        stages = self.model.stages
        wanted = [(s, False) for s in stages[:index]] + [(stages[index], True)]
        return self._find(stages[index], wanted if among is None else [*wanted, (stages[among], True)])

    def on_its_own(self, index: int) -> Found:
        """A customer for whom the stage's own condition holds, whatever the stages before it say."""
        return self._find(self.model.stages[index], [(self.model.stages[index], True)])

    def _find(self, stage: Stage, wanted: list[tuple[Stage, bool]]) -> Found:
        still_open: list[tuple[Case, list[Measures]]] = []
        found, complete = self._cases(wanted), False
        try:
            while chunk := sorted(islice(found, CHUNK), key=_simplicity):
                for case in chunk:
                    measures = [m for m in self.measures if not refuted(case, m)]
                    witness = fitting(case, measures) if measures and len(still_open) < FINELY_SEARCHED else None
                    if witness:
                        return Found(stage, witness)
                    still_open += [(case, measures)] if measures else []
            complete = True
        except TooManyWays:
            pass  # those seen so far may still fit
        for case, measures in still_open[:FINELY_SEARCHED]:
            witness = fitting(case, measures, fine=True)
            if witness:
                return Found(stage, witness)
        return Found(stage, impossible=complete and not still_open)

    def _cases(self, wanted: list[tuple[Stage, bool]]) -> Iterator[Case]:
        steps = iter(range(MOST_STEPS))
        for ordered in (False, True):
            demands: list[Demand] = [demand(s.when, holds=holds, ordered=ordered) for s, holds in wanted]
            yield from cases(Case.of(ordered, self.cycles, self.missing), demands, steps)


def _simplicity(case: Case) -> tuple[int, int]:
    """Few events, no trend, few orders: the plainest customer comes first."""
    return len(case.events) + (case.trends <= {"up", "down"}), case.low


def refuted(case: Case, measures: Measures) -> bool:
    """Whether no history whatever meets the case."""
    prior = measures.cycle_of(0, 0)
    if case.high == 0:
        return possible_cycle(case.gaps, prior, prior) is None
    once = case.low <= 1 and "none" in case.trends
    if once and possible_cycle([*case.gaps, Gap(FIRST, LAST, 0)], prior, prior) is not None:
        return False
    return case.high < 2 or all(_refuted(case, measures, trend) for trend in case.trends)


def _refuted(case: Case, measures: Measures, trend: str) -> bool:
    """The same for two order-days and more, by splitting the range of personal cycles until none is left."""
    low = max(2, case.low, measures.fewest_orders(trend))
    if low > case.high or low == inf:
        return True
    boxes = [(*case.cycles, 0)]
    while boxes:
        short, long, halved = boxes.pop()
        window, longest_window = measures.window(short), measures.window(long)
        if trend in ("up", "down") and longest_window < measures.fewest_orders(trend) - 2:
            continue
        least = max(measures.shortest_span(low, case.high, short), 2 * window if trend != "none" else 0)
        most = min(measures.longest_span(case.high, long), 2 * longest_window - 1 if trend == "none" else inf)
        span = [Gap(LAST, FIRST, 1e-6 - least), *([] if most == inf else [Gap(FIRST, LAST, most + 1e-6)])]
        cycle = possible_cycle([*case.gaps, *span], short, long)
        if cycle is None:
            continue
        if halved == HALVINGS:
            return False
        middle = (short * long) ** 0.5
        boxes += [(short, middle, halved + 1), (middle, long, halved + 1)]
    return True


def fitting(case: Case, measures: list[Measures], *, fine: bool = False) -> Witness | None:
    """The first order history that meets the case."""
    if case.high == 0:
        return _fit_without_orders(case, measures[0])
    for how in measures:
        for history in histories(case, how, fine=fine):
            witness = _fit(case, history)
            if witness:
                return witness
    return None


def _fit_without_orders(case: Case, how: Measures) -> Witness | None:
    cycle = how.cycle_of(0, 0)
    ages = solve(case.gaps, cycle, dict.fromkeys(case.events, 0))
    return None if ages is None else _witness(case, how, cycle, ages, {})


def _fit(case: Case, history: History) -> Witness | None:
    if case.trends.isdisjoint({"none"} if history.span < 2 * history.window else {"flat", "up", "down"}):
        return None
    if not _room_for_silence(case, history):
        return None
    span = (Gap(FIRST, LAST, history.span), Gap(LAST, FIRST, -history.span))
    wishes = {LAST: round(history.cycle / 2)} | dict.fromkeys(case.events, 0) | {FIRST: 0}
    ages = solve([*case.gaps, *span], history.cycle, wishes)
    if ages is None:
        return None
    cents = _amounts(case, history, ages)
    if cents is None:
        return None
    gaps = tuple(gap for count, gap in history.runs for _ in range(count))
    orders = {"gaps": gaps, "cents": tuple(cents), "silence": ages[LAST], "trend": history.trend(cents)}
    return _witness(case, history.measures, history.cycle, ages, orders)


def _room_for_silence(case: Case, history: History) -> bool:
    """Whether the gaps between the orders and the day alone can be met: quick, for most histories fail here."""
    shortest, longest = 0.0, inf
    back = {LAST: 0, FIRST: history.span}  # from the latest order
    for gap in case.gaps:
        bound = floor(gap.days + gap.cycles * history.cycle)
        if gap.than == DAY and gap.of in back:
            longest = min(longest, bound - back[gap.of])
        elif gap.of == DAY and gap.than in back:
            shortest = max(shortest, -bound - back[gap.than])
        elif gap.of in back and gap.than in back and back[gap.of] - back[gap.than] > bound:
            return False
    return shortest <= longest


def _amounts(case: Case, history: History, ages: dict[str, int]) -> list[int] | None:
    """What the order-days came to, so that the trend and the amounts of the case are met."""
    opened = min(age for name, age in ages.items() if name != FIRST) - ages[LAST]  # counted from the latest order
    bounds = [bound for of in case.money.values() for bound in of if 0 < bound < inf]
    targets = [t for bound in bounds for t in (bound, bound / 2, bound * history.orders)]
    for cents in history.priced(targets):
        if history.trend(cents) not in case.trends:
            continue
        recent = [c for c, back in zip(cents, history.days_before_last, strict=True) if back - opened < 365]
        spent = {"total": sum(cents), "average": sum(cents) / history.orders, "last_365_days": sum(recent)}
        if all(low <= spent[of] / CENT + 5e-7 < high for of, (low, high) in case.money.items()):
            return cents
    return None


def _witness(case: Case, how: Measures, cycle: float, ages: dict[str, int], orders: dict) -> Witness:
    events = tuple((name, age) for name, age in ages.items() if name not in (DAY, FIRST, LAST))
    states = {name: next(s for s in ("none", "ahead", "passed") if s in of) for name, of in case.announced.items()}
    announced = tuple((name, state) for name, state in states.items() if state != "none")
    return Witness(cycle, how.population, **orders, events=events, announced=announced, tells_spend=bool(case.money))
