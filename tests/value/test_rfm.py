"""RFM scores treat equals alike and miss nobody, whatever the values are."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from math import ceil
from random import Random

import pytest
from value_warehouse import CUTS, TOTALS, Compiled, connect, rows

from compiled_models import fill

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
GROUPS = {
    *("champions", "loyal", "active", "new", "promising", "needs_attention", "at_risk", "previously_loyal"),
    *("almost_lost", "dormant"),
}
MEASURES = {"recency": "recency_days", "frequency": "frequency", "monetary": "monetary"}


def shop(kind: str, chance: Random) -> list[dict]:
    """Three hundred people and the measures of their orders; None for who never bought."""

    def buyer() -> dict:
        if kind == "all equal" or (kind == "90 % ties" and chance.random() < 0.9):
            return {"recency_days": 40, "frequency": 1, "monetary": Decimal("9.99")}
        return {
            "recency_days": int(chance.expovariate(1 / 60)),
            "frequency": min(ceil(chance.paretovariate(0.8)), 99),
            "monetary": Decimal(round(chance.gauss(60, 50) * 100)) / 100,
        }

    people = [buyer() for _ in range(1 if kind == "one buyer" else 300)]
    return people + [{"recency_days": None, "frequency": 0, "monetary": Decimal(-3)}] * 5


def scored(compiled: Compiled, to, people: list[dict]) -> tuple[list[dict], list[dict]]:
    """The rows of customer_rfm in order of the people, and those of rfm_cuts."""
    with connect(to) as session:
        fill(session, "marts.dim_customers", "customer_key", ((f"{n:03}",) for n in range(len(people))))
        orders = ((f"{n:03}", *order) for n, person in enumerate(people) for order in orders_of(person))
        fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount, is_valid", orders)
        compiled.build(session, NIGHT, *TOTALS, "customer_rfm", "rfm_cuts")
        said = rows(session, "select * from marts.customer_rfm order by customer_key")
        cuts = rows(session, "select * from marts.rfm_cuts")
        session.rollback()
    return said, cuts


def orders_of(person: dict) -> list[tuple[date, Decimal, bool]]:
    """Day, net value and whether it counts, of orders that make these measures."""
    days = [NIGHT - timedelta((person["recency_days"] or 0) + n) for n in range(person["frequency"])]
    counts = [(day, Decimal(7), True) for day in days]
    return [*counts, (NIGHT, person["monetary"] - 7 * len(counts), False)]


def order_value(person: dict) -> Decimal:
    return (person["monetary"] / person["frequency"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def fifth(value, values: list) -> int:
    """The fifth of the middle of the ranks that a value shares with its equals."""
    below, upto = sum(v < value for v in values), sum(v <= value for v in values)
    return ceil(5 * (below + upto) / (2 * len(values)))


@pytest.mark.parametrize("kind", ["random", "90 % ties", "all equal", "one buyer"])
@pytest.mark.parametrize("method", ["quantile", "fixed"])
def test_scores_are_those_of_the_rule_and_every_customer_is_in_one_group_and_cell(
    first, later, value_database, kind, method
):
    people = shop(kind, Random(kind))
    said, cuts = scored(first if method == "quantile" else later, value_database, people)
    buyers = [p for p in people if p["frequency"]]
    assert len(said) == len(people)
    assert sum(row["monetary"] for row in said) == sum(p["monetary"] for p in people)
    for row, person in zip(said, people, strict=True):
        assert (row["rfm_group"] == row["rfm_cell"] == "prospects") == (not person["frequency"])
        if not person["frequency"]:
            assert row["rfm_score"] is row["order_value_quintile"] is None
            continue
        assert row["rfm_group"] in GROUPS
        for measure, column in MEASURES.items():
            better = -1 if measure == "recency" else 1
            values = [better * p[column] for p in buyers]
            score = fifth(better * person[column], values)
            if method == "fixed":
                reached = [c for c in getattr(CUTS, measure) if better * person[column] >= better * c]
                score = 1 + len(reached)
            assert row[f"{measure}_score"] == score
        assert row["order_value_quintile"] == fifth(order_value(person), [order_value(p) for p in buyers])
        assert row["rfm_cell"] == cell(person, buyers, method)
    for measure in {c["measure"] for c in cuts}:
        for scale in ("score", "grid"):
            ranges = sorted(
                (c["value_from"], c["value_to"]) for c in cuts if (c["measure"], c["scale"]) == (measure, scale)
            )
            assert all(low[1] < high[0] for low, high in pairwise(ranges))
            counts = [c["count_customers"] for c in cuts if (c["measure"], c["scale"]) == (measure, scale)]
            assert sum(counts) == (0 if (measure, scale) == ("order_value", "grid") else len(buyers))


def cell(person: dict, buyers: list[dict], method: str) -> str:
    """Her cell, around the mean with quantiles, around the median with fixed cuts, as the settings of the tests are."""

    def middle(column: str) -> Decimal:
        values = sorted(Decimal(p[column]) for p in buyers)
        if method == "quantile":
            return sum(values) / len(values)
        return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2

    recent = person["recency_days"] < middle("recency_days")
    frequent, valuable = (person[c] > middle(c) for c in ("frequency", "monetary"))
    kind = {(True, True): "value", (True, False): "development", (False, True): "retention"}
    return f"{'important' if valuable else 'general'}_{kind.get((recent, frequent), 'win_back')}"


def test_nine_in_ten_who_bought_once_are_not_called_loyal(first, value_database):
    people = shop("90 % ties", Random(1))
    said, _ = scored(first, value_database, people)
    once = {row["rfm_group"] for row in said if row["frequency"] == 1}
    assert not once & {"champions", "loyal", "previously_loyal"}
    assert len({row["frequency_score"] for row in said if row["frequency"] == 1}) == 1
