"""Order histories to try as witnesses, and what can be said of all histories at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil, exp, floor, inf, log, sqrt

from perennial.config.lifecycle import Cycle, Lifecycle, Population, Trend
from perennial.lifecycle.cases import Case

# plain gaps first: who reads a witness should be able to picture her
GAPS = (20, 30, 10, 7, 14, 5, 3, 40, 60, 90, 2, 1, 120, 180, 365, 25, 15, 50, 4, 6, 270, 540, 730)
CHANGED_GAPS = (2, 5, 10, 20, 45, 75, 120, 200, 400, 1)
FINE_GAPS = tuple(sorted({*range(1, 60), *(round(60 * 1.04**n) for n in range(90))}))
ORDERS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 60, 90, 150)


@dataclass(frozen=True)
class Measures:
    """How the personal cycle and the trend are measured while one population row is in force."""

    cycle: Cycle
    trend: Trend
    population: Population

    @classmethod
    def all_of(cls, lifecycle: Lifecycle) -> "list[Measures]":
        """One for each population row, the newest first."""
        return [cls(lifecycle.cycle, lifecycle.trend, row) for row in reversed(lifecycle.population)]

    @property
    def pull(self) -> float:
        """What the population adds to the sum of log gaps."""
        return self.cycle.prior_weight * log(self.population.median_gap_days)

    def cycle_of(self, gaps: int, sum_of_logs: float) -> float:
        """The personal cycle, in days, of somebody with so many gaps between order-days."""
        mean = (self.pull + sum_of_logs) / (self.cycle.prior_weight + gaps)
        return min(max(exp(mean), self.cycle.shortest_days), self.cycle.longest_days)

    def window(self, cycle: float) -> int:
        """The length of a trend window in days."""
        days = min(max(self.trend.window_cycles * cycle, self.trend.shortest_days), self.trend.longest_days)
        return floor(days + 5e-7)

    def fewest_orders(self, trend: str) -> float:
        """The fewest order-days with which a trend is significant, `inf` if no number is."""
        if trend not in ("up", "down"):
            return 1
        if trend == "down" and self.trend.spend_down <= -1:
            return inf  # who still orders spends something
        # rising: all in the recent window; falling: the latest order alone there; the first one precedes both windows
        recent = 0 if trend == "up" else 1
        longest = self.trend.longest_days
        enough = (n for n in range(1, longest + 1) if (n - recent) / sqrt(n + recent) >= self.trend.significance)
        return next(enough, inf) + recent + 1

    def shortest_span(self, orders: int, most_orders: float, cycle: float) -> float:
        """No history of so many order-days (two at least) with a cycle of at least `cycle` spans fewer days."""
        if cycle <= self.cycle.shortest_days:
            return orders - 1
        surplus = self.cycle.prior_weight * (log(cycle) - log(self.population.median_gap_days))
        gaps = min(max(orders - 1, surplus), most_orders - 1)  # where gaps x cycle x exp(surplus / gaps) is smallest
        return max(orders - 1, gaps * cycle * exp(min(surplus / gaps, 500)))

    def longest_span(self, most_orders: float, cycle: float) -> float:
        """No history of at most so many order-days with a cycle of at most `cycle` spans more days."""
        if cycle >= self.cycle.longest_days or most_orders == inf:
            return inf
        logs = (self.cycle.prior_weight + most_orders - 1) * log(cycle) - self.pull
        return most_orders - 2 + exp(min(max(logs, 0), 500))


@dataclass(frozen=True)
class History:
    """Order-days, as runs of equal gaps in days: (how many, how long), oldest first."""

    runs: tuple[tuple[int, int], ...]
    measures: Measures

    @cached_property
    def orders(self) -> int:
        return 1 + sum(count for count, _ in self.runs)

    @cached_property
    def span(self) -> int:
        """Days from the first to the latest order."""
        return sum(count * gap for count, gap in self.runs)

    @cached_property
    def cycle(self) -> float:
        return self.measures.cycle_of(self.orders - 1, sum(count * log(gap) for count, gap in self.runs))

    @cached_property
    def days_before_last(self) -> list[int]:
        """How long before the latest order each order-day was, oldest first."""
        gaps = [gap for count, gap in self.runs for _ in range(count)]
        return [self.span - day for day in accumulate(gaps, initial=0)]

    @cached_property
    def window(self) -> int:
        return self.measures.window(self.cycle)

    def trend(self, cents: list[int]) -> str:
        """The trend if the order-days came to so much, oldest first."""
        if self.span < 2 * self.window:
            return "none"
        recent, before = ([], [])
        for back, amount in zip(self.days_before_last, cents, strict=True):
            if back < 2 * self.window:
                (recent if back < self.window else before).append(amount)
        spend, spend_before = sum(recent) / 100, sum(before) / 100
        change = (spend - spend_before) / (spend_before + self.measures.population.order_value / 2)
        frequency = (len(recent) - len(before)) / sqrt(max(1, len(recent) + len(before)))
        rule = self.measures.trend
        if change <= rule.spend_down and frequency <= -rule.significance:
            return "down"
        return "up" if change >= rule.spend_up and frequency >= rule.significance else "flat"

    def priced(self, targets: list[float]) -> Iterator[list[int]]:
        """Cents of each order-day, in several shapes and sizes; the sizes come to about the `targets` in all."""
        usual = self.measures.population.order_value
        backs = self.days_before_last
        shapes = [[1.0] * self.orders]
        if self.span >= 2 * self.window:
            shapes.append([50.0 if back < self.window else 1.0 for back in backs])
            shapes.append([1.0 if back < self.window else 50.0 for back in backs])
        shapes.append([10_000.0, *[1.0] * (self.orders - 1)])
        for shape in shapes:
            for total in (self.orders * usual, *targets, 50 * self.orders * usual):
                scale = 100 * total / sum(shape)
                yield [max(1, ceil(round(weight * scale, 3))) for weight in shape]


def histories(case: Case, measures: Measures, *, fine: bool) -> Iterator[History]:
    """Histories that may meet the case, the plainest first."""
    if case.low <= 1:
        yield History((), measures)
    counts = _counts(measures, max(2, case.low), case.high, case.trends)
    for count in counts:
        for gap in FINE_GAPS if fine else GAPS:
            yield History(((count - 1, gap),), measures)
    for count in counts:
        for span in case.spans:
            gap = max(1, span // (count - 1))
            if span > (count - 2) * gap:
                yield History(((count - 2, gap), (1, span - (count - 2) * gap)), measures)
    changed = FINE_GAPS[::10] if fine else CHANGED_GAPS
    for count in counts:
        for late in sorted({1, 2, (count - 1) // 2, count - 2} & set(range(1, count - 1))):
            for old in changed:
                for new in changed:
                    if old != new:
                        yield History(((count - 1 - late, old), (late, new)), measures)


def _counts(measures: Measures, low: int, high: float, trends: frozenset[str]) -> list[int]:
    """Numbers of order-days worth trying."""
    needed = [measures.fewest_orders(trend) for trend in trends & {"up", "down"}]
    tried = [low, low + 1, low + 2, low + 5, *ORDERS, high, *needed, *(n + 2 for n in needed), *(2 * n for n in needed)]
    least = min(needed, default=0) if trends <= {"up", "down"} else 0
    return sorted({int(n) for n in tried if n != inf and max(low, least) <= n <= high})
