"""Warnings over many nights are what a few lines of Python say, whichever nights fail, are left out or run again."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from warning_warehouse import Compiled, connect, rows

from compiled_models import fill, pointed_at
from perennial import config, transform

pytestmark = pytest.mark.server

START = date(2017, 1, 1)
DAYS = timedelta(days=92)
BUDGET, COOL_DOWN = 10, timedelta(days=90)
Orders = list[tuple[str, date, Decimal]]
Merged = dict[str, str]  # whose the keys are that are nobody's any more


@dataclass
class Warned:
    """A warning, and what her orders made of it."""

    who: str
    on: date
    outcome: str = "open"
    closed_on: date | None = None

    def judge(self, orders: Orders, merged: Merged, as_of: date) -> None:
        """By what is known on a night."""
        self.outcome, self.closed_on = "open", None
        if self.who in merged:
            self.outcome = "merged"
            return
        days: dict[date, Decimal] = defaultdict(Decimal)
        for who, on, amount in orders:
            if who == self.who and on <= as_of:
                days[on] += amount
        before = sum(amount for on, amount in days.items() if self.on - DAYS < on <= self.on)
        if before <= 0:
            self.outcome = "refunded"
            return
        since = Decimal(0)
        for on, amount in sorted(days.items()):
            if self.on < on <= self.on + DAYS:
                since += amount
                if since > before / 2:
                    self.outcome, self.closed_on = "returned", on
                    return
        if self.on + DAYS <= as_of:
            self.outcome, self.closed_on = "lost", self.on + DAYS

    def rests(self, as_of: date) -> bool:
        """Whether she must not be warned of again."""
        return self.on + DAYS > as_of or (self.closed_on or self.on + DAYS) + COOL_DOWN >= as_of


def warnings(given: list[Warned], signs: list[tuple], orders: Orders, merged: Merged, as_of: date) -> list[Warned]:
    """All warnings at the end of a night; `signs` are (who, reasons, risk, value at risk)."""
    for one in given:
        one.judge(orders, merged, as_of)
    resting = {merged.get(one.who, one.who) for one in given if one.rests(as_of)}
    eligible = [sign for sign in signs if sign[1] and sign[0] not in resting]
    chosen = sorted(eligible, key=lambda sign: (-sign[3], -sign[2], sign[0]))[:BUDGET]
    return given + [Warned(who, as_of) for who, *_ in chosen]


def put(session, signs: list[tuple]) -> None:
    session.execute("truncate intermediate.int_warning_signs")
    columns = "customer_key, reasons, risk, value_at_risk, spent, abc_tier, loss_days"
    fill(session, "intermediate.int_warning_signs", columns, ((*sign, 1, "A", DAYS.days) for sign in signs))


def tell(session, people: list[str], orders: Orders, merged: Merged) -> None:
    """What a night knows of everybody."""
    session.execute("truncate marts.dim_customers, marts.fct_orders, intermediate.int_former_keys")
    fill(session, "marts.dim_customers", "customer_key", ((who,) for who in people))
    fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", orders)
    fill(session, "intermediate.int_former_keys", "former_key, customer_key", merged.items())


@pytest.mark.parametrize("seed", range(3))
def test_warnings_over_nights_are_those_of_the_rule(compiled, warning_database, seed):
    chance = Random(seed)
    people = [f"{n:03}" for n in range(60)]
    finished: list[Warned] = []
    merged: Merged = {}
    with connect(warning_database) as session:
        session.execute("create index on marts.fct_orders (customer_key)")
        orders: Orders = []
        as_of, opened = START, 0
        while as_of < START + 4 * DAYS:
            new = [(w, as_of - timedelta(chance.randint(0, 6)), Decimal(chance.randint(0, 20))) for w in people]
            new = [order for order in new if chance.random() < 0.3]
            orders += new
            # of some, also old ones, everything is given back, or more
            orders = [(w, on, -amount / 4 if chance.random() < 0.03 else amount) for w, on, amount in orders]
            if chance.random() < 0.4:
                gone, to = chance.sample(people, 2)
                people.remove(gone)
                merged = {key: to if now == gone else now for key, now in merged.items()} | {gone: to}
                orders = [(to if w == gone else w, on, amount) for w, on, amount in orders]
            tell(session, people, orders, merged)
            # many are worth the same, so that only their keys decide
            signs = [
                (w, chance.choice(["overdue", None]), Decimal(1) / 2, Decimal(chance.randint(1, 4))) for w in people
            ]
            put(session, signs)
            said = compiled.warn(session, as_of)
            assert compiled.warn(session, as_of) == said
            before = [Warned(one.who, one.on) for one in finished]
            expected = warnings(before, signs, orders, merged, as_of)
            found = [(row["customer_key"], row["opened_on"], row["outcome"], row["closed_on"]) for row in said]
            assert found == sorted((one.who, one.on, one.outcome, one.closed_on) for one in expected)
            assert sum(row["opened_on"] == as_of for row in said) <= BUDGET
            opened = max(opened, sum(row["opened_on"] == as_of for row in said))
            if chance.random() < 0.8:  # else the night never ends, and the next one does not know it
                session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [as_of, as_of])
                finished = expected
            as_of += timedelta(days=chance.choice([1, 7, 9, 20]))
        session.rollback()
    assert {one.outcome for one in finished} == {"open", "returned", "lost", "merged", "refunded"}
    assert opened == BUDGET
    assert len({one.who for one in finished}) < len(finished), "nobody was warned of twice"


def test_a_flood_stays_within_the_budget_and_the_next_nights_take_the_rest(compiled, warning_database):
    signs = [(f"{n:04}", "overdue", Decimal("0.5"), Decimal(1000 - n // 7)) for n in range(2000)]
    with connect(warning_database) as session:
        fill(session, "marts.dim_customers", "customer_key", ((who,) for who, *_ in signs))
        put(session, signs)
        for night in range(3):
            as_of = START + timedelta(days=night)
            said = compiled.warn(session, as_of)
            session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [as_of, as_of])
            new = [row["customer_key"] for row in said if row["opened_on"] == as_of]
            assert new == [f"{n:04}" for n in range(10 * night, 10 * night + 10)]
        session.rollback()


def test_who_orders_enough_returns_on_that_day_whatever_is_known_later(compiled, warning_database):
    with connect(warning_database) as session:
        fill(session, "marts.dim_customers", "customer_key", [("ann",)])
        fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", [("ann", START, 100)])
        put(session, [("ann", "overdue", Decimal("0.5"), Decimal(50))])
        days = {}
        for night, amount in ((0, 0), (1, 50), (2, 1), (3, 0)):
            as_of = START + timedelta(days=night)
            if amount:
                fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", [("ann", as_of, amount)])
            (only,) = compiled.warn(session, as_of)
            session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [as_of, as_of])
            days[night] = (only["outcome"], only["closed_on"], only["ordered_again_on"])
        session.rollback()
    first, second = START + timedelta(days=1), START + timedelta(days=2)
    assert days == {
        0: ("open", None, None),
        1: ("open", None, first),
        2: ("returned", second, first),
        3: ("returned", second, first),
    }


def test_without_a_loss_share_the_first_order_closes_a_warning(warning_database, compiled):
    """A shop may call everybody returned who orders at all; a later change of mind judges nobody anew."""
    one, two = START, START + timedelta(days=40)
    with connect(warning_database) as session:
        session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [one, one])
        columns = "customer_key, opened_on, reasons, outcome, loss_days, loss_share"
        given = [(who, one, "overdue", "open", 92, 0) for who in ("ann", "bob")]
        fill(session, "marts.fct_early_warnings", columns, given)
        fill(session, "marts.dim_customers", "customer_key", [("ann",), ("bob",)])
        orders = [("ann", one, 100), ("bob", one, 100), ("bob", two, "0.01")]
        fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", orders)
        said = compiled.warn(session, two)
        session.rollback()
    assert [(row["outcome"], row["closed_on"]) for row in said] == [("open", None), ("returned", two)]


def test_another_loss_in_config_reopens_nothing_and_judges_nobody_anew(warning_database, compiled, tmp_path):
    given, night = START, START + timedelta(days=100)
    shipped = config.load()
    early = shipped.value.early_warning
    loss = early.loss.model_copy(update={"days": 365, "share": 0.9})
    value = shipped.value.model_copy(update={"early_warning": early.model_copy(update={"loss": loss})})
    with pointed_at(warning_database, tmp_path):
        other = Compiled(replace(shipped, value=value), warning_database)
    told = []
    for one in (compiled, other):
        with connect(warning_database) as session:
            fill(session, "marts.dim_customers", "customer_key", [("ann",), ("bob",)])
            orders = [("ann", given, 100), ("bob", given, 100), ("bob", given + timedelta(days=60), 60)]
            fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", orders)
            put(session, [(who, "overdue", Decimal("0.5"), Decimal(50)) for who in ("ann", "bob")])
            compiled.warn(session, given)
            session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [given, given])
            told.append(one.warn(session, night))
            session.rollback()
    assert told[0] == told[1]
    assert [row["outcome"] for row in told[0]] == ["lost", "returned"]


def test_without_forecasts_there_are_warnings_and_for_refunds_alone_there_are_none(compiled, warning_database):
    with connect(warning_database) as session:
        people = [(who, "A") for who in ("unforecast", "refunded", "blank")]
        fill(session, "marts.customer_abc", "customer_key, abc_tier", people)
        session.execute("create table intermediate.int_order_totals (customer_key text, revenue_365 numeric)")
        fill(session, "intermediate.int_order_totals", "customer_key, revenue_365", ((w, 500) for w, _ in people))
        fill(session, "marts.dim_customers", "customer_key", ((who,) for who, *_ in people))
        silent = START - timedelta(days=60)
        fill(session, "intermediate.int_episodes", "customer_key, episode_to, last_order_on, cycle_days", (
            (who, date.max, silent, 7) for who, *_ in people
        ))  # fmt: skip
        orders = [("unforecast", silent, 100), ("blank", silent, 100), ("refunded", silent, -20)]
        fill(session, "marts.fct_orders", "customer_key, ordered_on, net_amount", orders)
        session.execute("insert into marts.customer_clv (customer_key) values ('blank')")
        session.execute("update intermediate.int_episodes set episode_to = 'infinity'")
        compiled.build(session, START, "int_warning_signs")
        said = compiled.warn(session, START)
        session.rollback()
    assert [row["customer_key"] for row in said] == ["blank", "unforecast"]
    assert all(row["reasons"] == "overdue, spend_falling" and row["value_at_risk"] > 0 for row in said)


def test_a_night_run_again_by_dbt_says_what_it_said_also_in_full(compiled, warning_database, tmp_path):
    models = ["fct_early_warnings", "early_warning_recall", "early_warning_quality"]
    tables = ("fct_early_warnings", "early_warning_recall", "early_warning_quality")
    one, two = START, START + timedelta(days=5)

    def run(as_of: date, *more: str) -> list[list[dict]]:
        with pointed_at(warning_database, tmp_path):
            transform.run(["run", *more, "--select", *models], config.load(), as_of, warning_database)
        with connect(warning_database) as session:
            return [rows(session, f"select * from marts.{name} order by 1, 2, 3") for name in tables]

    with connect(warning_database) as session:
        people = [f"{n:02}" for n in range(25)]
        fill(session, "marts.dim_customers", "customer_key", ((who,) for who in people))
        put(session, [(who, "overdue", Decimal("0.5"), Decimal(7)) for who in people])
    try:
        assert len(run(one)[0]) == 10
        with connect(warning_database) as session:
            session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [one, one])
        second = run(two)
        assert [row["opened_on"] for row in second[0]] == [one] * 10 + [two] * 10
        assert run(two, "--full-refresh") == second
    finally:
        with connect(warning_database) as session:
            session.execute("truncate ops.nights, marts.dim_customers, intermediate.int_warning_signs")
            for name in tables:
                session.execute(f"truncate marts.{name}")
