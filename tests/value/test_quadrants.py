"""Thresholds stand still for a quarter, and quadrants are what a few lines of Python say."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import pytest
from value_warehouse import TOTALS, connect, rows

from compiled_models import fill

pytestmark = pytest.mark.server

BEFORE, START = date(2017, 4, 1), date(2017, 7, 1)
NIGHTS = [START, date(2017, 8, 15), date(2017, 9, 30)]


@dataclass
class Order:
    """An order of a person, and what was taken back of it."""

    who: str
    id: str
    on: date
    gross: Decimal
    refunds: list[tuple[date, Decimal]] = field(default_factory=list)
    cancelled_on: date | None = None

    def net(self, day: date) -> Decimal:
        """What is left of it just before a day."""
        if self.on >= day or (self.cancelled_on and self.cancelled_on < day):
            return Decimal(0)
        return max(self.gross - sum(amount for on, amount in self.refunds if on < day), Decimal(0))


def random_orders(chance: Random) -> list[Order]:
    """Half of the people ordered once only; orders of all ages are refunded and cancelled, also much later."""
    orders = []
    for person in range(150):
        for _ in range(1 if person % 2 else chance.randint(1, 12)):
            on = date(2017, 9, 30) - timedelta(days=int(chance.triangular(0, 800, 100)))
            order = Order(f"{person:03}", str(len(orders)), on, Decimal(chance.choice([0, 5, 20, 20, 60, 99])))
            later = on + timedelta(days=chance.randint(0, 200))
            if chance.random() < 0.2:
                order.refunds = [(later, order.gross * n / 2) for n in (1, chance.choice([0, 1, 2]))]
            elif chance.random() < 0.1:
                order.cancelled_on = later
            orders.append(order)
            if chance.random() < 0.1:
                orders.append(Order(order.who, str(len(orders)), on, Decimal(10)))
    return orders


def put(session, orders: list[Order], as_of: date) -> None:
    """What the night knows: nothing that happened after it."""
    known = [o for o in orders if o.on <= as_of]
    fill(session, "marts.dim_customers", "customer_key, known_on", ((f"{n:03}", day(n)) for n in range(160)))
    with_net = [(o, o.net(as_of + timedelta(days=1))) for o in known]
    fill(
        session,
        "marts.fct_orders",
        "customer_key, source, order_id, ordered_on, gross_amount, cancelled_on, net_amount, is_valid",
        (
            (o.who, "shop", o.id, o.on, o.gross, c if (c := o.cancelled_on) and c <= as_of else None, net, net > 0)
            for o, net in with_net
        ),
    )
    happened = [(o, "order", o.on, o.gross) for o in known]
    happened += [(o, "refund", on, -amount) for o in known for on, amount in o.refunds if on <= as_of]
    happened += [
        (o, "cancellation", o.cancelled_on, -o.gross) for o in known if o.cancelled_on and o.cancelled_on <= as_of
    ]
    fill(
        session,
        "intermediate.int_ledger",
        "customer_key, source, order_id, ordered_on, event_type, event_on, amount",
        ((o.who, "shop", o.id, o.on, *event) for o, *event in happened),
    )


def day(person: int) -> date:
    """Who never orders becomes known in the middle of the quarter; the others have been known for ever."""
    return date(2000, 1, 1) if person < 150 else date(2017, 5, 15)


def lives(orders: list[Order], point: date) -> dict[str, tuple[int, int, Decimal]]:
    """Order-days ever and of the last 365 days, and net value, by person, just before a day."""
    days: dict[str, set[date]] = {}
    spend: dict[str, Decimal] = {}
    for order in orders:
        if order.net(point) > 0:
            days.setdefault(order.who, set()).add(order.on)
            spend[order.who] = spend.get(order.who, Decimal(0)) + order.net(point)
    since = point - timedelta(days=365)
    return {who: (len(on), sum(d >= since for d in on), spend[who]) for who, on in days.items()}


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def median(values: list) -> Decimal:
    values = sorted(values)
    return Decimal(values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def order_value(days: int, spend: Decimal, of_shop: Decimal) -> Decimal:
    return rounded((spend + max(3 - days, 0) * of_shop) / max(days, 3))


def thresholds(orders: list[Order], quarter: date) -> tuple[Decimal, Decimal, Decimal]:
    """The shop's order value, what is often and what is large."""
    buyers = [life for life in lives(orders, quarter).values() if life[1]]
    shop = rounded(sum(spend for _, _, spend in buyers) / sum(days for days, _, _ in buyers))
    large = median([order_value(days, spend, shop) for days, _, spend in buyers])
    return shop, max(median([recent for _, recent, _ in buyers]), Decimal(2)), rounded(large)


@pytest.mark.parametrize("seed", range(3))
def test_all_nights_of_a_quarter_judge_by_what_was_known_when_it_began(first, value_database, seed):
    orders = random_orders(Random(seed))
    expected = {quarter: thresholds(orders, quarter) for quarter in (BEFORE, START)}
    paths = set()
    for night in NIGHTS:
        with connect(value_database) as session:
            put(session, orders, night)
            first.build(session, night, *TOTALS, "quadrant_thresholds", "customer_quadrant")
            frozen = rows(session, "select * from marts.quadrant_thresholds")
            said = rows(session, "select * from marts.customer_quadrant")
            session.rollback()
        found = {f["quarter"]: (f["order_value"], f["min_order_days"], f["min_order_value"]) for f in frozen}
        assert found == expected
        assert len(said) == 160
        points = [lives(orders, point) for point in (BEFORE, START, night + timedelta(days=1))]
        for row in said:
            assert row["path"] == path(row["customer_key"], points, expected[START])
            paths.add(row["path"])
    assert {"a>a", "b>b>b", "e>e>e"} < paths
    assert any("a>b" in path for path in paths)


def path(who: str, points: list[dict], limits: tuple[Decimal, Decimal, Decimal]) -> str:
    """Where she stood at each point at which she was known."""
    shop, often, large = limits
    found = []
    for point, life in enumerate(points):
        if day(int(who)) >= (BEFORE, START, date.max)[point]:
            continue
        days, recent, spend = life.get(who, (0, 0, Decimal(0)))
        is_large = order_value(days, spend, shop) >= large
        found.append("a" if not days else "bdce"[2 * (recent >= often) + is_large])
    return ">".join(found)
