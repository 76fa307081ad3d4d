"""Risk finds customers about to be lost better than silence does, on a real grocer's year.

Complete Journey, tier A; lost is who spends at most half of what she spent in the 92 days before. The formula was
chosen as of 2017-06-30 and then judged as of 2017-09-30. The product computes everything: tiers, fit, forecasts, risk.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from warning_warehouse import connect, rows

from compiled_models import fill
from perennial import config
from perennial.sample import baskets
from perennial.value import store, tonight

pytestmark = pytest.mark.server
DAYS = timedelta(days=92)
HISTORY = ("int_changed_days", "int_customer_days", "int_order_totals", "int_abc_shares", "int_tiers")
HISTORY += ("fct_tier_moves", "customer_abc", "int_order_histories")
EPISODES = """
    insert into intermediate.int_episodes
    select customer_key, 'infinity', max(ordered_on), exp((3 * ln(4.0) + sum(ln(gap))) / (2 + count(*)))
    from (
        select customer_key, ordered_on,
            cast(ordered_on - lag(ordered_on) over (partition by customer_key order by ordered_on) as float8) as gap
        from (select distinct customer_key, ordered_on from marts.fct_orders) as days
    ) as gaps
    group by customer_key
"""


@pytest.fixture(scope="module")
def journey() -> list[tuple]:
    """(household, day, amount) of every basket of the year."""
    lines = baskets.read()
    days = [str(when)[:10] for when in lines.placed_at[lines.starts]]
    return list(zip(map(str, lines.household[lines.starts]), days, lines.totals() / 100, strict=True))


def signs(compiled, to, journey: list[tuple], day: date) -> list[dict]:
    """What the product says of tier A on a day, knowing nothing later."""
    known = [row for row in journey if row[1] <= str(day)]
    with connect(to) as session:
        fill(
            session, "marts.dim_customers", "customer_key, is_prospect", ((key, False) for key in {k[0] for k in known})
        )
        fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", known)
        columns = "customer_key, event_on, event_type, source, order_id, ordered_on, event_id, amount"
        ledger = ((key, on, "order", "s", str(n), on, str(n), amount) for n, (key, on, amount) in enumerate(known))
        fill(session, "intermediate.int_ledger", columns, ledger)
        session.execute(EPISODES)
        compiled.build(session, day, *HISTORY)
        store.write(session, day, config.load().value, *tonight.run(session, day, config.load().value))
        compiled.build(session, day, "customer_clv", "int_warning_signs")
        found = rows(session, "select * from intermediate.int_warning_signs order by customer_key")
        session.rollback()
    return found


def average_precision(score: list, lost: list[bool]) -> float:
    """The mean precision down to each of the lost, the highest score first; equal scores are reached together."""
    reached = [(sum(other >= own for other in score), own) for own, is_lost in zip(score, lost, strict=True) if is_lost]
    caught = [sum(is_lost and other >= own for other, is_lost in zip(score, lost, strict=True)) for _, own in reached]
    return sum(hits / place for hits, (place, _) in zip(caught, reached, strict=True)) / len(reached)


def spent(journey: list[tuple], until: date) -> dict[str, Decimal]:
    """What everybody spent in the 92 days up to this one."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for key, on, amount in journey:
        if str(until - DAYS) < on <= str(until):
            found[key] += Decimal(str(amount))
    return found


@pytest.mark.parametrize(
    ("day", "people", "recency", "risk"),
    [(date(2017, 6, 30), 978, 0.243, 0.29), (date(2017, 9, 30), 1005, 0.150, 0.23)],
    ids=["where it was chosen", "where it was judged"],
)
def test_risk_ranks_better_than_recency_alone(compiled, warning_database, journey, day, people, recency, risk):
    before, later = (spent(journey, day + DAYS * n) for n in (0, 1))
    found = [row for row in signs(compiled, warning_database, journey, day) if before[row["customer_key"]] > 0]
    lost = [later[row["customer_key"]] <= before[row["customer_key"]] / 2 for row in found]
    assert abs(len(found) - people) <= 2
    by = {name: average_precision([row[name] for row in found], lost) for name in ("silence_days", "risk")}
    assert by["silence_days"] == pytest.approx(recency, abs=0.005)
    assert by["risk"] >= risk - 0.005
    assert by["risk"] >= by["silence_days"] + 0.04
    # the warnings of one night, were there no limit to them, against as many of those who are silent for longest
    warned = [row for row in found if row["reasons"]]
    silent = sorted(found, key=lambda row: (-row["silence_days"], row["customer_key"]))[: len(warned)]
    is_lost = {row["customer_key"]: one for row, one in zip(found, lost, strict=True)}
    right, money = zip(*(caught(rows, is_lost, before, later) for rows in (warned, silent)), strict=True)
    assert len(warned) > 50
    assert right[0] >= right[1] + 0.04
    assert money[0] >= money[1] * Decimal("1.2")


def caught(rows: list[dict], is_lost: dict[str, bool], before: dict, later: dict) -> tuple[float, Decimal]:
    """The share of them who were lost, and what these spent less than before."""
    gone = [row["customer_key"] for row in rows if is_lost[row["customer_key"]]]
    return len(gone) / len(rows), sum((before[key] - later[key] for key in gone), Decimal(0))
