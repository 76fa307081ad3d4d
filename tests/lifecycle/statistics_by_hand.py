"""Statistics of the lifecycle, counted customer by customer and day by day in plain Python, without any interval.

A life is what is known about one customer in one model on the night: a stage for each day from the first to the night.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import sqrt

DAY = timedelta(days=1)
AWAY, BACK = ("declining", "lost"), ("growing", "stable")


@dataclass(frozen=True)
class Life:
    customer: str
    model: str
    first_day: date
    stages: tuple[str, ...]  # one for each day up to the night
    phases: dict[str, str]
    first_order_on: date | None
    second_order_on: date | None

    @property
    def night(self) -> date:
        return self.first_day + DAY * (len(self.stages) - 1)

    def stage(self, day: date) -> str | None:
        """The stage on a day, None before she was known and after the night."""
        number = (day - self.first_day).days
        return self.stages[number] if 0 <= number < len(self.stages) else None

    def phase(self, day: date) -> str | None:
        return self.phases.get(self.stage(day))

    @property
    def days(self) -> list[date]:
        return [self.first_day + DAY * n for n in range(len(self.stages))]

    def entries(self) -> list[date]:
        """The first day of every stay."""
        return [day for day in self.days if self.stage(day) != self.stage(day - DAY)]


def next_month(day: date) -> date:
    return (day.replace(day=1) + 32 * DAY).replace(day=1)


def firsts_of_months(lives: list[Life]) -> list[date]:
    month = min((life.first_day for life in lives), default=date.max - 99 * DAY)
    month = month if month.day == 1 else next_month(month)
    found = []
    while lives and month <= lives[0].night:
        found.append(month)
        month = next_month(month)
    return found


def counts(lives: list[Life]) -> dict[tuple, tuple[int, int, int]]:
    """(model, day, stage) -> customers, entered, left; only where one of them is not 0."""
    there, entered, left = Counter(), Counter(), Counter()
    for life in lives:
        for day in life.days:
            stage, before = life.stage(day), life.stage(day - DAY)
            there[life.model, day, stage] += 1
            if stage != before:
                entered[life.model, day, stage] += 1
                if before:
                    left[life.model, day, before] += 1
    return {key: (there[key], entered[key], left[key]) for key in there | entered | left}


def flows(lives: list[Life], target) -> Counter:
    """(model, first of a month, stage, stage on `target` of it) -> customers, for targets up to the night."""
    found = Counter()
    for month in firsts_of_months(lives):
        for life in lives:
            stage, later = life.stage(month), life.stage(target(month))
            if stage and later:
                found[life.model, month, stage, later] += 1
    return found


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval, as the two roots of (p - share)^2 = z^2 p (1 - p) / trials."""
    z2, share = 1.959964**2, successes / trials
    a, b, c = 1 + z2 / trials, -(2 * share + z2 / trials), share**2
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def kaplan_meier_median(spells: list[tuple[int, bool]]) -> int | None:
    """The first day on which at most half are left; a spell is (days, whether it ended then)."""
    left = Fraction(1)
    for day in sorted({days for days, over in spells if over}):
        at_risk = sum(days >= day for days, _ in spells)
        left *= 1 - Fraction(sum(over and days == day for days, over in spells), at_risk)
        if left <= Fraction(1, 2):
            return day
    return None


def stays(life: Life, stages: tuple[str, ...]) -> Iterator[tuple[date, int, bool]]:
    """(first day, days, whether over) of every unbroken time in any of `stages`."""
    entered = None
    for day in life.days:
        if life.stage(day) in stages:
            entered = entered or day
        elif entered:
            yield entered, (day - entered).days, True
            entered = None
    if entered:
        yield entered, (life.night - entered).days, False


def win_backs(life: Life) -> list[tuple]:
    """(won back on, left stage, entered stage, days away, relapsed on, whether 180 days were observed)."""
    found = []
    for day in life.entries():
        if life.phase(day) in BACK and life.phase(day - DAY) in AWAY:
            away = 0
            while life.phase(day - DAY * (away + 1)) in AWAY:
                away += 1
            later = [day + DAY * n for n in range(1, 181)]
            relapsed = next((d for d in later if life.phase(d) in AWAY), None)
            mature = life.stage(day + 180 * DAY) is not None
            found.append((day, life.stage(day - DAY), life.stage(day), away, relapsed, mature))
    return found


def kpis(lives: list[Life]) -> dict[str, object]:
    """The indicators of customers who ordered, by column of lifecycle_kpis; lives of one model."""
    second, stable, dwell, changes, years, months, declined, won = [], [], [], 0, 0, 0, 0, []
    for life in lives:
        wait = (life.second_order_on or life.night) - life.first_order_on
        second.append((wait.days, life.second_order_on is not None))
        settled = [day for day in life.days if life.phase(day) == "stable"]
        wait = (min(settled) if settled else life.night) - life.first_order_on
        stable.append((wait.days, bool(settled)))
        steady = tuple(stage for stage, phase in life.phases.items() if phase == "stable")
        dwell += [(days, over) for _, days, over in stays(life, steady)]
        changes += sum(day > life.first_order_on for day in life.entries())
        years += Fraction((life.night - life.first_order_on).days, 365)
        for month in firsts_of_months([life]):
            if life.phase(month) == "stable" and life.stage(next_month(month)):
                months += 1
                declined += life.phase(next_month(month)) in AWAY
        won += win_backs(life)
    mature = [w for w in won if w[5]]
    return {
        "count_customers": len(lives),
        "count_second_orders": sum(over for _, over in second),
        "median_days_to_second_order": kaplan_meier_median(second),
        "count_reached_stable": sum(over for _, over in stable),
        "median_days_to_stable": kaplan_meier_median(stable),
        "count_stable_stays": len(dwell),
        "median_stable_days": kaplan_meier_median(dwell),
        "stable_months": months,
        "count_declined": declined,
        "decline_rate": declined / months if months else None,
        "count_changes": changes,
        "changes_per_year": float(changes / years) if years else None,
        "count_win_backs": len(won),
        "count_relapses": sum(w[4] is not None for w in won),
        "count_mature_win_backs": len(mature),
        "relapse_share": sum(w[4] is not None for w in mature) / len(mature) if mature else None,
    }


def forecast(moves: Counter, start: dict[str, int], origin: date, stages: list[str]) -> dict[str, float]:
    """Customers expected per stage 90 days after `origin`, by `moves` of one model whose 90 days are over on it."""
    known = {key: n for key, n in moves.items() if key[1] + 90 * DAY <= origin}
    totals = defaultdict(int)
    for (_, _, stage, _), n in known.items():
        totals[stage] += n
    expected = {stage: float(start.get(stage, 0)) if not totals[stage] else 0.0 for stage in stages}
    for (_, _, stage, later), n in known.items():
        expected[later] += start.get(stage, 0) * n / totals[stage]
    return expected
