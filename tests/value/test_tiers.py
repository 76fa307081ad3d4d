"""Tiers over several nights are what a few lines of Python say, whatever happens in between."""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from value_warehouse import TOTALS, connect, rows

from compiled_models import NIGHT, compiled, fill, pointed_at
from perennial import config, transform
from perennial.night import SCORED

pytestmark = pytest.mark.server

START = date(2017, 9, 30)
BORDERS, BAND = {"A": Fraction(80, 100), "B": Fraction(95, 100)}, Fraction(2, 100)
Values = dict[str, Decimal | None]  # by customer; None for who never bought


def tiers(values: Values, before: dict[str, str]) -> dict[str, str]:
    """Everybody's tier, given that of the night before."""
    counted = {key: max(value or 0, 0) for key, value in values.items()}
    total, above, running = sum(counted.values()), {}, 0
    for level in sorted(set(counted.values()), reverse=True):
        above[level] = running
        running += level * sum(value == level for value in counted.values())
    found = {}
    for key, value in counted.items():
        if values[key] is None:
            found[key] = "N"
            continue
        found[key] = "C"
        for tier, border in reversed(BORDERS.items()):
            was = before.get(key, "N")
            band = 0 if was == "N" else BAND if was <= tier else -BAND
            if value > 0 and Fraction(above[value]) / Fraction(total) < border + band:
                found[key] = tier
    return found


def drift(values: Values, chance: Random, ties: bool) -> Values:
    """The next night's values: some buy, some are refunded, one is new, one merges away."""
    kinds = [Decimal(n) / 100 for n in (500, 999, 999, 999, 4999)]
    after = dict(values)
    for key in chance.sample(sorted(values), len(values) // 5):
        amount = chance.choice(kinds) if ties else Decimal(round(chance.paretovariate(1.1) * 100)) / 100
        after[key] = chance.choice([amount, (after[key] or 0) + amount, -amount if chance.random() < 0.1 else amount])
    del after[chance.choice(sorted(after))]
    after[f"new-{len(after)}-{chance.random():.6f}"] = None
    return after


def first_values(chance: Random, ties: bool) -> Values:
    """Two hundred people; with ties, nine in ten are worth the same."""
    keys = [f"{n:03}" for n in range(200)]
    if ties:
        return {key: Decimal("9.99") if chance.random() < 0.9 else Decimal(chance.randint(1, 300)) for key in keys}
    return {k: None if chance.random() < 0.05 else Decimal(round(chance.paretovariate(1.1) * 100)) / 100 for k in keys}


def put(session, values: Values, as_of: date) -> None:
    """Customers with these values of the last 365 days, and orders before that count for nothing."""
    session.execute("truncate marts.dim_customers, marts.fct_orders")
    fill(session, "marts.dim_customers", "customer_key, is_prospect", ((k, v is None) for k, v in values.items()))
    bought = [(k, as_of - timedelta(days=n % 365), v, True) for n, (k, v) in enumerate(values.items()) if v is not None]
    long_ago = [(k, as_of - timedelta(days=365), 10**6, True) for k, *_ in bought]
    fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount, is_valid", bought + long_ago)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_tiers_over_nights_are_those_of_the_rule_whichever_nights_fail_or_run_again(
    first, later, value_database, seed, ties
):
    chance = Random(seed)
    values, finished = first_values(chance, ties), {}
    kept = 0
    with connect(value_database) as session:
        session.execute("truncate marts.fct_tier_moves")
        for night in range(12):
            as_of, compiled = START + timedelta(days=night), later if night else first
            for _ in range(chance.choice([1, 1, 2])):  # a night may run again, on other facts
                values = drift(values, chance, ties)
                put(session, values, as_of)
                session.execute(
                    "delete from marts.fct_tier_moves where as_of > coalesce("
                    "(select max(as_of) from ops.nights where built_at is not null and as_of < %s), '-infinity')",
                    [as_of],
                )
                compiled.build(session, as_of, *TOTALS, "int_abc_shares", "int_tiers")
                session.execute(f"insert into marts.fct_tier_moves {compiled.at('fct_tier_moves', as_of)}")
                compiled.build(session, as_of, "customer_abc", "value_concentration")
            told = rows(session, "select * from marts.customer_abc")
            assert {row["customer_key"]: row["abc_tier"] for row in told} == tiers(values, finished)
            assert sum(row["value_12m"] for row in told) == sum(v for v in values.values() if v is not None)
            plain = tiers(values, {})
            kept += sum(row["abc_tier"] != plain[row["customer_key"]] for row in told)
            peers = defaultdict(set)
            for row in told:
                peers[row["value_12m"], finished.get(row["customer_key"])].add(row["abc_tier"])
            assert all(len(found - {"N"}) <= 1 for found in peers.values())
            compare(rows(session, "select * from marts.value_concentration")[0], values, told)
            ended = night == 0 or chance.random() < 0.7
            session.execute(
                "insert into ops.nights (as_of, built_at) values (%s, %s)", [as_of, as_of if ended else None]
            )
            if ended:
                finished = {row["customer_key"]: row["abc_tier"] for row in told}
        session.rollback()
    assert kept or ties, "hysteresis never had a say"


def compare(said: dict, values: Values, told: list[dict]) -> None:
    """What is said of the concentration is what the definitions say, counted naively."""
    buyers = sorted((v for v in values.values() if v and v > 0), reverse=True)
    total, held, holders = sum(buyers), 0, 0
    while held < total * Decimal("0.8"):
        held, holders = held + buyers[holders], holders + 1
    gaps = sum(abs(a - b) for a in buyers for b in buyers)
    assert said["count_customers"] == len(values)
    assert said["count_buyers"] == len(buyers)
    assert abs(said["share_of_customers_for_80pct"] - Decimal(holders) / len(buyers)) < Decimal("1e-6")
    assert abs(said["gini"] - gaps / (2 * len(buyers) * total)) < Decimal("1e-6")
    for tier in "ABCN":
        of_tier = [row["value_12m"] for row in told if row["abc_tier"] == tier]
        assert said[f"count_{tier.lower()}"] == len(of_tier)
        assert said[f"value_{tier.lower()}"] == sum(of_tier)


def test_tiers_by_forecast_wait_for_the_fit_of_the_night_and_follow_it(value_database, tmp_path):
    shipped = config.load()
    by_clv = shipped.value.abc.model_copy(update={"basis": "clv"})
    settings = replace(shipped, value=shipped.value.model_copy(update={"abc": by_clv}))
    with pointed_at(value_database, tmp_path):
        sql = compiled(["int_abc_shares"], settings, value_database)["int_abc_shares"]
        read_by = json.loads((transform.target_folder(NIGHT) / "manifest.json").read_text("utf-8"))["child_map"]
    waiting, found = [node for node in read_by if node.startswith("source.") and ".clv." in node], set()
    while waiting:
        found.add(node := waiting.pop())
        waiting += [other for other in read_by[node] if other not in found]
    names = {node.split(".")[-1] for node in found if node.startswith("model.")}
    assert SCORED == "source:clv+"
    assert {"int_abc_shares", "int_tiers", "fct_tier_moves", "customer_abc", "value_concentration"} <= names
    with connect(value_database) as session:
        session.execute(
            "create table intermediate.int_order_totals (customer_key text, order_days int, revenue_365 int)"
        )
        session.execute("create table marts.customer_clv (customer_key text, clv_365d double precision)")
        people = [("rich", 1, 900), ("rising", 1, 10), ("unknown", 1, 500), ("nobody", 0, 0)]
        fill(session, "intermediate.int_order_totals", "customer_key, order_days, revenue_365", people)
        forecasts = [("rich", 25), ("rising", 75.00004), ("unknown", None), ("nobody", None)]
        fill(session, "marts.customer_clv", "customer_key, clv_365d", forecasts)
        told = {row["customer_key"]: row for row in rows(session, sql)}
        session.rollback()
    assert {key: row["value_12m"] for key, row in told.items()} == {
        "rich": 25, "rising": 75, "unknown": None, "nobody": 0,
    }  # fmt: skip
    assert told["rising"]["share_cum"] == told["rich"]["share_before"] == Decimal("0.75")


def test_a_night_run_again_says_what_it_said_and_forgets_the_nights_that_never_ended(later, value_database, tmp_path):
    """The same through dbt, for what it does before it inserts."""

    nights: dict[date, date | None] = {}

    def run(as_of: date, values: Values, *more: str) -> list[list[tuple]]:
        with connect(value_database) as session:
            put(session, values, as_of)
            fill(session, "ops.nights", "as_of, built_at", nights.items())
        chosen = ["int_changed_months", *TOTALS, "int_abc_shares", "int_tiers"]
        chosen += ["fct_tier_moves", "customer_abc", "value_concentration"]
        with pointed_at(value_database, tmp_path):
            transform.run(["run", *more, "--select", *chosen], config.load(), as_of, value_database)
        nights[as_of] = as_of
        moves = "select as_of, customer_key, from_tier, to_tier from marts.fct_tier_moves order by 1, 2"
        trend = "select as_of, count_a, value_12m from marts.value_concentration order by 1"
        with connect(value_database) as session:
            return [session.execute(query).fetchall() for query in (moves, trend)]

    one, two, three = (START + timedelta(days=n) for n in range(3))
    calm = {"big": Decimal(80), "mid": Decimal(15), "low": Decimal(5), "nobody": None}
    run(one, calm)
    with connect(value_database) as session:  # what a night leaves that was killed before its end
        fill(session, "marts.fct_tier_moves", "as_of, customer_key, from_tier, to_tier", [(two, "low", "C", "A")])
        fill(session, "marts.value_concentration", "as_of, count_a", [(two, 3)])
    nights[two] = None
    found = run(three, calm | {"mid": Decimal(400)})
    assert found == [
        [
            *[(one, "big", None, "A"), (one, "low", None, "C"), (one, "mid", None, "B"), (one, "nobody", None, "N")],
            *[(three, "big", "A", "B"), (three, "mid", "B", "A")],
        ],
        [(one, 1, 100), (three, 1, 485)],
    ]
    assert run(three, calm | {"mid": Decimal(400)}, "--full-refresh") == found
