"""The arithmetic of a back-test: counts, intervals, rankings, origins. Plain functions over plain numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, sqrt
from typing import TypeVar

Key = TypeVar("Key")

Z = 1.959964  # of a 95 % interval
MOST_ORIGINS = 6


@dataclass(frozen=True)
class Counts:
    """A rule at one origin, or summed over several: people asked about, who stayed silent, who was flagged, both."""

    customers: int = 0
    silent: int = 0
    flagged: int = 0
    hits: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.customers + other.customers,
            self.silent + other.silent,
            self.flagged + other.flagged,
            self.hits + other.hits,
        )

    @property
    def base_rate(self) -> float | None:
        """Share of all who stayed silent."""
        return ratio(self.silent, self.customers)

    @property
    def precision(self) -> float | None:
        """Share of the flagged who stayed silent; None if nobody was flagged."""
        return ratio(self.hits, self.flagged)

    @property
    def recall(self) -> float | None:
        """Share of the silent who had been flagged; None if nobody stayed silent."""
        return ratio(self.hits, self.silent)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None if nobody was flagged and nobody stayed silent."""
        return ratio(2 * self.hits, self.flagged + self.silent)

    @property
    def lift(self) -> float | None:
        """How many times better than flagging at random."""
        return ratio(self.hits * self.customers, self.flagged * self.silent)


def ratio(part: int, whole: int) -> float | None:
    """`part / whole`, None where there is no whole."""
    return part / whole if whole else None


def wilson(hits: int, of: int) -> tuple[float, float] | None:
    """The 95 % Wilson interval of a share; None of nobody."""
    if not of:
        return None
    share, z2 = hits / of, Z * Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def average_precision(groups: Mapping[float, tuple[int, int]]) -> float | None:
    """Average precision of a ranking given as score -> (people, silent people); the highest score is flagged first.

    People of one score are flagged together: a tie is one step of recall, weighted with the precision after it. A
    ranking that tells nobody apart has the base rate. None if nobody stayed silent.
    """
    silent = sum(hits for _, hits in groups.values())
    flagged = found = 0
    area = 0.0
    for score in sorted(groups, reverse=True):
        people, hits = groups[score]
        flagged, found = flagged + people, found + hits
        area += ratio(hits * found, flagged) or 0.0
    return area / silent if silent else None


def best(rules: Mapping[Key, Counts]) -> Key | None:
    """The rule with the highest F1; of equals the more precise, then the earlier one. None if no rule has a hit."""
    hitting = [rule for rule, counts in rules.items() if counts.hits]
    return max(hitting, key=lambda rule: (rules[rule].f1, rules[rule].precision), default=None)


def default_origins(first_day: date, as_of: date, horizon: int) -> list[date]:
    """Up to six month ends, oldest first, with a whole horizon of known days before and after each.

    A longer horizon takes them further apart, so that half of them are over when the newest begins.
    """
    every = max(1, ceil(horizon / 92))  # months
    found: list[date] = []
    month = (as_of - timedelta(days=horizon) + timedelta(days=1)).replace(day=1)
    while len(found) < MOST_ORIGINS:
        origin = month - timedelta(days=1)
        if origin - timedelta(days=horizon - 1) < first_day:
            break
        found.append(origin)
        for _ in range(every):
            month = (month - timedelta(days=1)).replace(day=1)
    return found[::-1]


def uses(origins: list[date], horizon: int) -> dict[date, str]:
    """What each origin is for: the newest judges; those whose horizon was over by then choose; others only show."""
    newest = max(origins)
    return {
        origin: "judging"
        if origin == newest
        else "choosing"
        if origin + timedelta(days=horizon) <= newest
        else "showing"
        for origin in sorted(origins)
    }
