"""The nightly fit in a warehouse: histories by SQL, and what is written."""

import csv
import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from past_days import past

from perennial import config, paths
from perennial.value import backtest, histories, store, tonight
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server
AS_OF = date(2017, 9, 30)
# rungs and remarks, which are no statuses
LEVELS = {"last_good", "recent_rate", "gamma_gamma", "shrunken_mean"}
LEVELS |= {"rows_rejected", "outliers_excluded", "left_truncated"}
HISTORIES = """
    drop table if exists intermediate.int_order_histories, intermediate.int_ledger;
    create table intermediate.int_order_histories (
        customer_key text, first_order_on date, x int, t_x int, t int, recent_x int, recent_t int, valued_orders int,
        mean_value double precision
    );
    create table intermediate.int_ledger (
        customer_key text, event_on date, event_type text, source text, order_id text, ordered_on date,
        event_id text, amount numeric(18, 4)
    )
"""


@pytest.fixture
def session(warehouse):
    with connect() as found:
        found.execute(HISTORIES)
        yield found


def shop(customers=400, seed=1):
    """One row per customer and order day of a shop whose customers differ."""
    chance = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        day, pace = date(2016, 10, 1) + timedelta(days=int(chance.integers(0, 300))), chance.gamma(2, 10) + 1
        while day <= AS_OF and chance.random() > 0.08:
            rows.append((f"c{customer}", pd.Timestamp(day), float(round(chance.gamma(3, 10) + 1, 2))))
            day += timedelta(days=1 + int(chance.exponential(pace)))
    return pd.DataFrame(rows, columns=["customer_id", "date", "amount"])


def deliver(session, orders):
    """The ledger of these orders, and tonight's histories."""
    with session.cursor().copy("copy intermediate.int_ledger from stdin") as copy:
        for number, row in enumerate(orders.itertuples()):
            day = row.date.date()
            copy.write_row((row.customer_id, day, "order", "shop", str(number), day, str(number), row.amount))
    known = past(orders, AS_OF, 1).known
    firsts = orders.groupby("customer_id")["date"].min()
    with session.cursor().copy("copy intermediate.int_order_histories from stdin") as copy:
        for n, (customer, first) in enumerate(firsts.items()):
            x, t_x, t, recent, valued = (
                int(column[n]) for column in (known.x, known.t_x, known.T, known.recent, known.valued)
            )
            copy.write_row((customer, first.date(), x, t_x, t, recent, min(t, 91), valued, float(known.mean[n])))


def night(session, as_of=AS_OF, value=None):
    value = value or config.load().value
    forecast, tested = tonight.run(session, as_of, value)
    store.write(session, as_of, value, forecast, tested)
    return forecast, tested


def rows(session, table):
    return session.execute(f"select * from {table} order by 1, 2, 3").fetchall()


def in_order(found):
    columns = [found.known.x, found.known.t_x, found.known.T, found.known.recent, found.latest, found.known.valued]
    columns += [np.round(found.known.mean, 6), found.orders, np.round(found.spend, 6)]
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("origin", [date(2016, 12, 31), date(2017, 5, 17), date(2017, 7, 1)])
def test_a_past_day_is_what_plain_python_says_it_was(session, origin):
    orders = shop()
    deliver(session, orders)
    assert in_order(histories.past(session, origin, 68)) == in_order(past(orders, origin, 68))


def test_what_was_given_back_counts_until_it_was_given_back(session):
    session.execute(
        """
        insert into intermediate.int_ledger values
            ('a', '2017-01-01', 'order', 's', '1', '2017-01-01', '1', 10),
            ('a', '2017-02-01', 'order', 's', '2', '2017-02-01', '2', 20),
            ('a', '2017-03-10', 'refund', 's', '2', '2017-02-01', 'r', -20),
            ('a', '2017-03-05', 'order', 's', '3', '2017-03-05', '3', 7),
            ('a', '2017-03-20', 'cancellation', 's', '3', '2017-03-05', '3', -7),
            ('a', '2017-03-08', 'order', 's', '4', '2017-03-08', '4', 8),
            ('a', '2017-03-08', 'order', 's', '5', '2017-03-08', '5', 9),
            ('b', '2017-03-01', 'order', 's', '6', '2017-03-01', '6', 0)
        """
    )
    before = histories.past(session, date(2017, 2, 28), 30)
    assert (before.known.x.tolist(), before.known.mean.tolist()) == ([1], [15])
    assert (before.orders.tolist(), before.spend.tolist()) == ([1], [17])  # of two orders on one day; one was cancelled
    after = histories.past(session, date(2017, 3, 10), 30)
    assert (after.known.x.tolist(), after.known.T.tolist()) == ([2], [68])
    assert after.known.mean.tolist() == [(10 + 7 + 17) / 3]


def test_the_night_writes_what_it_found_and_a_second_run_changes_nothing(session):
    orders = shop()
    deliver(session, orders)
    tables = ("clv.parameters", "clv.alive_expectation", "marts.clv_backtest", "marts.clv_backtest_decile")
    forecast, tested = night(session)
    first = [rows(session, table) for table in tables]
    parameters = first[0][0]
    assert (parameters["as_of"], parameters["fit_level"], parameters["customers"]) == (
        AS_OF,
        "mle",
        orders["customer_id"].nunique(),
    )
    assert parameters["r"] == forecast.fit.parameters.r
    assert parameters["champion"] == tested.champion
    pairs = session.execute("select distinct x, t from intermediate.int_order_histories").fetchall()
    assert {(r["x"], r["t"]) for r in first[1] if r["part"] == "model"} == {(r["x"], r["t"]) for r in pairs}
    assert all(r["orders_30"] < r["orders_90"] < r["orders_365"] for r in first[1])
    assert len(first[2]) == 12
    assert sum(r["is_chosen"] for r in first[2]) == 3
    assert len(first[3]) == 10
    night(session)
    assert [rows(session, table) for table in tables] == first


def test_the_next_night_starts_where_this_one_ended(session):
    deliver(session, shop())
    value = config.load().value.model_copy(update={"candidates": ["mbg"]})
    cold, _ = night(session, value=value)
    warm, _ = night(session, AS_OF + timedelta(days=1), value)
    assert warm.fit.iterations <= 1 < cold.fit.iterations
    assert warm.fit.parameters.alpha == pytest.approx(cold.fit.parameters.alpha, rel=1e-6)


def test_last_good_parameters_are_those_of_the_same_model_and_not_of_a_later_night(session):
    deliver(session, shop())
    for as_of in (AS_OF + timedelta(days=1), AS_OF - timedelta(days=3)):
        night(session, as_of)
    known, age = tonight._last_good(session, AS_OF, "mbg")
    assert age == 3
    assert known.usable()
    assert tonight._last_good(session, AS_OF, "bg") == (None, 0)


def test_few_customers_are_scored_from_the_last_good_parameters_then_from_the_recent_rate(session):
    deliver(session, shop())
    night(session, AS_OF - timedelta(days=20))
    session.execute("delete from intermediate.int_order_histories where customer_key > 'c11'")
    session.execute("delete from intermediate.int_ledger where customer_key > 'c11'")
    forecast, _ = night(session)
    assert (forecast.fit.level, forecast.fit.status) == ("last_good", "too_few_repeaters")
    session.execute("delete from clv.parameters")
    forecast, _ = night(session)
    assert (forecast.model_used, forecast.share) == ("recent_rate", 1)
    assert rows(session, "clv.parameters")[0]["r"] is None
    assert {r["part"] for r in rows(session, "clv.alive_expectation")} == {"recent"}


def test_a_warehouse_without_orders_is_no_error(session):
    forecast, tested = night(session)
    assert (forecast.fit.level, forecast.fit.status, tested.judged) == ("none", "no_customers", ())
    assert rows(session, "clv.alive_expectation") == []


def test_three_periods_worse_than_a_simple_guess_demote_the_model(session):
    """Everybody orders every tenth day for three years: the last period comes again, exactly."""
    days = pd.date_range("2014-10-05", "2017-09-30", freq="10D")
    orders = pd.DataFrame(
        [(f"c{c}", day + pd.Timedelta(days=c % 10), 10.0 + c) for c in range(300) for day in days],
        columns=["customer_id", "date", "amount"],
    )
    deliver(session, orders[orders["date"] <= pd.Timestamp(AS_OF)])
    value = config.load().value.model_copy(update={"backtest_days": 90, "candidates": ["mbg", "bg"]})
    forecast, tested = night(session, value=value)
    assert max(tested.skills) < 0
    assert (forecast.model_used, forecast.fit.status) == ("recent_rate", "three_negative_skills")


@pytest.mark.parametrize(
    ("bias", "words"),
    [((0.2, 0.1), "(+20.0%)"), ((0.4, 0.5), "look for a break in the data")],
)
def test_a_biased_forecast_warns_in_the_gate(session, bias, words):
    deliver(session, shop())
    forecast, tested = night(session)
    chosen = [row for row in tested.judged if row.stands]
    biased = {id(row): row for row in tested.judged}
    for row, off in zip(chosen, bias, strict=False):
        biased[id(row)] = replace(row, bias=off)
    tested = backtest.Backtest(tested.champion, tested.skills, tuple(biased.values()), tested.deciles, tested.newest)
    store.write(session, AS_OF, config.load().value, forecast, tested)
    found = session.execute("select * from ops.gate_results where check_name = 'clv bias'").fetchone()
    assert (found["passed"], found["severity"]) == (False, "warn")
    assert words in found["message"]


def rising(customers=400, since=318, growth=1.7):
    """A shop whose customers order much more often in the last two quarters."""
    chance, rows = np.random.default_rng(0), []
    for customer in range(customers):
        rate = chance.gamma(0.9, 0.03)
        for ago in range(int(chance.integers(since - 40, since)), -1, -1):
            if chance.random() < rate * (growth if ago < 160 else 1):
                rows.append((f"c{customer}", pd.Timestamp(AS_OF - timedelta(days=ago)), 10.0))
    return pd.DataFrame(rows, columns=["customer_id", "date", "amount"])


def test_where_only_the_recent_rate_counts_the_next_night_still_starts_from_the_model(session, monkeypatch):
    monkeypatch.setattr(backtest, "recent_share", lambda *_: 1.0)
    deliver(session, rising())
    value = config.load().value.model_copy(update={"candidates": ["mbg_blend"]})
    forecast, tested = night(session, value=value)
    assert (forecast.model_used, forecast.share) == ("recent_rate", 1)
    assert forecast.fit.level in ("mle", "map")
    assert rows(session, "clv.parameters")[0]["r"] == forecast.fit.parameters.r
    newest = next(row for row in tested.judged if row.stands)
    assert tested.deciles["predicted_orders"].sum() == pytest.approx(newest.predicted_orders)
    again, _ = night(session, AS_OF + timedelta(days=1), value)
    assert again.fit.parameters.alpha == pytest.approx(forecast.fit.parameters.alpha, rel=1e-6)


def test_a_shop_that_falls_silent_is_a_warning(session):
    orders = shop()
    deliver(session, orders[orders["date"] < pd.Timestamp(AS_OF - timedelta(days=91))])
    night(session)
    found = session.execute("select passed, message from ops.gate_results where check_name = 'clv bias'").fetchone()
    assert not found["passed"]
    assert "came 0" in found["message"]


def test_no_customer_can_be_recognised_in_what_is_written(session):
    deliver(session, shop(100))
    night(session)
    for table in ("clv.parameters", "clv.alive_expectation", "marts.clv_backtest", "marts.clv_backtest_decile"):
        columns = session.execute(f"select * from {table} limit 0").description
        assert "customer_key" not in [column.name for column in columns]


def test_every_status_of_a_forecast_has_a_label_in_both_languages():
    """The statuses that the ladders can end with, from their own code."""
    code = " ".join((paths.home() / f"plugins/perennial/clv/{name}.py").read_text() for name in ("fit", "spend"))
    given = set(re.findall(r'"((?:[a-z]+_)+[a-z]+)"', code)) - LEVELS
    with (paths.home() / "dbt_project" / "seeds" / "dim_reasons.csv").open() as stream:
        labelled = {r["reason"] for r in csv.DictReader(stream) if r["kind"] == "forecast" and r["label_zh"]}
    assert given <= labelled
    assert labelled - given == {"ok", "no_orders", "not_fitted"}
