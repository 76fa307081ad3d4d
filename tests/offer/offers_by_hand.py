"""Affinity, suggestions and cycles counted naively from order lines."""

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations, pairwise

from perennial.config.value import Offers

Lines = Iterable[dict]  # rows of fct_order_lines


def days(lines: Lines) -> dict[tuple[str, str], set[date]]:
    """The days on which each customer bought each category."""
    found = defaultdict(set)
    for line in lines:
        if line["is_valid"] and line["net_amount"] > 0 and line["category"]:
            found[line["customer_key"], line["category"]].add(line["ordered_on"])
    return found


def baskets(lines: Lines, after: date) -> dict[str, set[str]]:
    """What each customer bought after a day."""
    found = defaultdict(set)
    for (customer, category), bought in days(lines).items():
        if max(bought) > after:
            found[customer].add(category)
    return found


def rules(lines: Lines, as_of: date, offers: Offers) -> dict:
    """(count_both, confidence, lift, score, significant) by pair."""
    sets = list(baskets(lines, as_of - timedelta(days=offers.window_days)).values())
    known = sorted({category for one in sets for category in one})
    single = {category: sum(category in one for one in sets) for category in known}
    known = [category for category in known if single[category] >= offers.min_customers]
    questions, n, found = len(known) * (len(known) - 1) / 2, len(sets), {}
    for pair in combinations(known, 2):
        both = sum(set(pair) <= one for one in sets)
        a, b = (single[category] for category in pair)
        spread = a * (n - a) * b * (n - b)
        z = (both * n - a * b) * math.sqrt(n / spread) if spread else 0.0
        chance = math.erfc(z / math.sqrt(2)) / 2
        real = both >= offers.min_customers and chance * questions <= offers.significance
        for (category, other), of in ((pair, a), (pair[::-1], b)):
            if both:
                prior = offers.prior_customers
                score = round((both + prior * single[other] / n) / (of + prior), 6)
                found[category, other] = (both, both / of, both * n / a / b, score, real)
    return found


def suggestions(has: set[str], found: dict, most: int) -> list[tuple[str, str]]:
    """(category, because_of) for who has these, the best first."""
    best = {}
    for (category, other), (both, _, _, score, real) in found.items():
        if real and category in has and other not in has:
            said = (-score, other, -both, category)
            best[other] = min(best.get(other, said), said)
    return [(other, because) for _, other, _, because in sorted(best.values())[:most]]


def gaps(bought: set[date]) -> list[float]:
    """Logarithms of the days between days."""
    ordered = sorted(bought)
    return [math.log((later - earlier).days) for earlier, later in pairwise(ordered)]


def cycles(lines: Lines) -> dict[str, float]:
    """Usual days between two purchases by category: of repeaters, each counting once."""
    own = defaultdict(list)
    for (_, category), bought in days(lines).items():
        if len(bought) > 1:
            own[category].append(sum(gaps(bought)) / (len(bought) - 1))
    return {category: math.exp(sum(means) / len(means)) for category, means in own.items()}
