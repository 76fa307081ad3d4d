"""What SQL says of every customer is what the library says."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import psycopg
import pytest
from clv_warehouse import DAYS, NIGHT, Compiled, Night, fill, write_fit

from perennial.clv import RECENT_DAYS, Fit, Histories, Parameters, Spend, score
from perennial.connections import Connection

pytestmark = pytest.mark.server

PAYING = Night(
    Fit("mbg", "mle", "ok", Parameters(0.71, 43.0, 0.8, 2.4)),
    Spend("gamma_gamma", "ok", p=6.25, q=3.75, v=15.4),
    margin=0.3,
    discount_rate=0.1,
)
RECENT = Fit("mbg", "recent_rate", "too_few_repeaters", Parameters(1.6, 91.0, 0.0, 1.0), window=RECENT_DAYS)
SHRUNKEN = Spend("shrunken_mean", "few_buyers", p=1.5, q=4.0, v=60.0)
CONSTANT = Spend("shrunken_mean", "constant_value", p=1e4, q=20001.0, v=19.98)
FORGETTING = Fit("mbg", "map", "few_repeaters", Parameters(0.3, 12.0, 0.4, 1.1), memory=55.0)
NIGHTS = {
    "mbg": PAYING,
    "bg": replace(PAYING, fit=Fit("bg", "mle", "ok", Parameters(0.24, 31.0, 0.79, 0.4)), spend=SHRUNKEN),
    "bg, hardly anybody leaves": replace(PAYING, fit=Fit("bg", "mle", "ok", Parameters(0.9, 20, 1e-280, 3.0))),
    "everybody leaves at once": replace(PAYING, fit=Fit("mbg", "map", "at_bound", Parameters(0.01, 900, 50.0, 1e-4))),
    "memory": replace(PAYING, fit=FORGETTING, spend=CONSTANT),
    "last good, nobody leaves": replace(
        PAYING, fit=Fit("mbg", "last_good", "map_failed", Parameters(1.01, 51.3, 0, 1))
    ),
    "mixed": replace(PAYING, recent=RECENT, share=0.4),
    "mixed, memory": replace(PAYING, fit=FORGETTING, recent=RECENT, share=0.75, spend=SHRUNKEN),
    "mixed, bg": replace(
        PAYING, fit=Fit("bg", "mle", "ok", Parameters(0.24, 31.0, 0.79, 0.4)), recent=RECENT, share=0.1
    ),
    "recent rate chosen": replace(PAYING, recent=RECENT, share=1.0),
    "recent rate": replace(PAYING, fit=RECENT, spend=SHRUNKEN),
    "no values": replace(PAYING, spend=Spend("none", "no_values")),
    "mixed, no values": replace(PAYING, recent=RECENT, share=0.4, spend=Spend("none", "no_values")),
}
FLOATS = {
    "p_alive": "p_alive",
    "p_no_order_{h}d": "p_no_order",
    "exp_orders_{h}d": "exp_orders",
    "order_value": "order_value",
    "clv_{h}d": "clv",
    **{f"clv_{{h}}d_{name}": f"clv_{name}" for name in ("p10", "p50", "p90")},
}


@pytest.fixture(scope="module")
def compiled(server: Connection, tmp_path_factory) -> Iterator[Compiled]:
    """Both models, compiled for a database of our own."""
    before = set(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(tmp_path_factory.mktemp("state")))
        with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
            session.execute("create database clv template template")
            to = Connection("postgres", server.host, server.port, server.login, database="clv")
            patch.setenv("AIRFLOW_CONN_WAREHOUSE", to.to_json())
            yield Compiled(to)
            session.execute("drop database clv with (force)")
    for name in set(os.environ) - before:
        if name.startswith(("PG", "DBT_")):  # what dbt was told
            del os.environ[name]


def random_histories(seed: int, size: int = 3000) -> Histories:
    """People of all kinds: most came once or twice, some daily for years, some whose orders are worth nothing."""
    chance = np.random.default_rng(seed)
    T = np.floor(chance.choice([10, 91, 400, 5000], size) * chance.random(size) ** 0.7)
    T[5 : size // 50] = chance.integers(0, 2, len(T[5 : size // 50]))
    x = np.minimum(np.floor(chance.pareto(0.7, size) * 1.2), np.minimum(T, 700))
    x[:5], T[:5] = 500, [500, 600, 1500, 3000, 5000]
    t_x = np.where(x > 0, np.maximum(x, np.floor(T * chance.beta(*chance.choice([0.3, 1, 6], (2, size))))), 0)
    recent = np.minimum(chance.binomial(x.astype(int), chance.random(size)), np.minimum(T, RECENT_DAYS))
    valued = np.where(chance.random(size) < 0.05, 0, np.floor((x + 1) * chance.choice([1, 1, 0.7], size)))
    mean = np.where(valued > 0, chance.gamma(2, 15, size) + 0.01, np.nan)
    return Histories(x, t_x, T, valued, mean, recent)


@pytest.mark.parametrize("name", NIGHTS)
def test_sql_scores_everybody_as_the_library_does(compiled, name):
    night, histories = NIGHTS[name], random_histories(len(name))
    with compiled.connect() as session:
        fill(session, histories)
        write_fit(session, night, histories)
        rows = compiled.run(session, "customer_clv")
        session.rollback()
    assert len(rows) == len(histories.x)
    told = {column: [row[column] for row in rows] for column in rows[0]}
    for horizon in (30, 90, 365):
        scores = score(
            night.fit,
            night.spend,
            histories,
            horizon,
            discount_rate=night.discount_rate,
            margin=night.margin,
            recent=night.recent,
            share=night.share,
        )
        for column, known in FLOATS.items():
            if (column := column.format(h=horizon)) in told:
                close(told[column], scores[known], column)
        if horizon == 90:
            for quantile in ("p10", "p50", "p90"):
                assert told[f"exp_orders_90d_{quantile}"] == scores[f"exp_orders_{quantile}"].tolist()
    for quantile in ("p25", "p50", "p75"):
        days = scores[f"next_order_days_{quantile}"]
        assert told[f"next_order_on_{quantile}"] == [
            None if np.isnan(one) else NIGHT + timedelta(days=int(one)) for one in days
        ]
    assert told["model_used"] == scores["model_used"].tolist()
    assert told["spend_status"] == scores["spend_status"].tolist()
    if not night.recent_alone:  # SQL says why the whole night is scored like this
        assert told["fit_status"] == scores["fit_status"].tolist()
    assert told["total_value"] == told["clv_365d"]  # no order has an amount here
    plausible(rows)


def close(found: list, wanted: np.ndarray, column: str) -> None:
    """To nine digits; what has hardly a chance is clamped, and one less nearly one keeps fewer digits."""
    floor = 1e-13 if column.startswith("p_no_order") else 1e-150
    as_floats = np.array([np.nan if one is None else one for one in found])
    np.testing.assert_allclose(as_floats, wanted, rtol=1e-9, atol=floor, err_msg=column)


def plausible(rows: list[dict]) -> None:
    """No NaN, nothing negative, quantiles in order."""
    for row in rows:
        for column, value in row.items():
            assert not isinstance(value, float) or 0 <= value < np.inf, (column, row)
        assert row["exp_orders_90d_p10"] <= row["exp_orders_90d_p50"] <= row["exp_orders_90d_p90"]
        if row["clv_365d"] is not None:
            assert row["clv_365d_p10"] <= row["clv_365d_p50"] <= row["clv_365d_p90"]
        days = [row[f"next_order_on_{name}"] or date.max for name in ("p25", "p50", "p75")]
        assert NIGHT < days[0] <= days[1] <= days[2]


def test_history_is_revenue_times_margin_and_without_orders_there_is_nothing_else(compiled):
    histories = random_histories(1, 20)
    with compiled.connect() as session:
        fill(session, histories)
        session.execute("update intermediate.int_order_histories set net_revenue = 10.55 where customer_key = '000000'")
        session.execute("insert into intermediate.int_order_histories values ('refunded', -5), ('prospect', null)")
        write_fit(session, PAYING, histories)
        rows = {row["customer_key"]: row for row in compiled.run(session, "customer_clv")}
        session.rollback()
    ordered, prospect, refunded = rows["000000"], rows["prospect"], rows["refunded"]
    assert ordered["historic_revenue"] == Decimal("10.55")
    assert ordered["historic_value"] == Decimal("3.165")
    assert ordered["total_value"] == pytest.approx(3.165 + ordered["clv_365d"], rel=1e-12)
    assert refunded["historic_value"] == Decimal("-1.5")
    for row, value in ((prospect, 0), (refunded, -1.5)):
        said = {name for name, one in row.items() if one is not None}
        assert said == {
            *("as_of", "customer_key", "historic_revenue", "historic_value", "total_value"),
            *("model_used", "fit_status", "spend_status"),
        }
        assert (row["model_used"], row["fit_status"], row["spend_status"]) == ("none", "no_orders", "no_orders")
        assert row["total_value"] == value


def without_parameters(session: psycopg.Connection, histories: Histories) -> str:
    write_fit(session, replace(PAYING, fit=Fit("mbg", "none", "no_days_watched", None)), histories)
    return "no_days_watched"


def of_another_night(session: psycopg.Connection, histories: Histories) -> str:
    write_fit(session, PAYING, histories)
    session.execute("update clv.parameters set as_of = as_of - 1")
    return "not_fitted"


def of_other_customers(session: psycopg.Connection, histories: Histories) -> str:
    write_fit(session, replace(PAYING, recent=RECENT, share=0.4), histories)
    session.execute("delete from clv.alive_expectation where part = 'recent'")
    return "not_fitted"


@pytest.mark.parametrize("fitted", [without_parameters, of_another_night, of_other_customers])
def test_without_a_fit_there_is_a_reason_and_no_number(compiled, fitted):
    histories = random_histories(2, 50)
    with compiled.connect() as session:
        fill(session, histories)
        reason = fitted(session, histories)
        rows = compiled.run(session, "customer_clv")
        session.rollback()
    assert len(rows) == 50
    for row in rows:
        assert (row["model_used"], row["fit_status"], row["spend_status"]) == ("none", reason, reason)
        assert [name for name, one in row.items() if isinstance(one, float)] == []
        assert row["exp_orders_90d_p90"] is None
        assert row["next_order_on_p25"] is None


def random_orders(chance: Random) -> list[tuple[date, Decimal, bool]]:
    """Orders of one person, several of a day among them, some refunded in full or cancelled."""
    days = [NIGHT - timedelta(days=chance.choice((0, 1, 90, 91, 92, chance.randrange(800)))) for _ in range(3)]
    orders = []
    for _ in range(chance.randrange(9)):
        net = Decimal(chance.choice((0, -300, chance.randrange(1, 90_000)))) / 100
        orders.append((chance.choice(days), net, net > 0 and chance.random() < 0.9))
    return orders


def test_histories_are_those_of_a_plain_count(compiled):
    chance = Random(7)
    people = {f"{number:04}": random_orders(chance) for number in range(2000)}
    with compiled.connect() as session:
        table = "marts.fct_orders (customer_key, ordered_on, net_amount, is_valid)"
        with session.cursor().copy(f"copy {table} from stdin") as copy:
            for key, orders in people.items():
                for on, net, is_valid in orders:
                    copy.write_row((key, on, net, is_valid))
        for model in DAYS:
            session.execute(f"create table intermediate.{model} as {compiled.sql[model]}")
        rows = compiled.run(session, "int_order_histories")
        session.rollback()
    ordered = {key: orders for key, orders in people.items() if orders}
    assert [(row["customer_key"], row["net_revenue"]) for row in rows] == [
        (key, sum(net for _, net, _ in orders)) for key, orders in ordered.items()
    ]
    wanted, unlike_anybody = [], dict.fromkeys(("x", "t_x", "t", "recent_x", "recent_t", "mean_value"))
    for orders in ordered.values():
        days = sorted({on for on, _, is_valid in orders if is_valid})
        if not days:
            wanted.append(unlike_anybody | {"first_order_on": None, "last_order_on": None, "valued_orders": 0})
            continue
        values = [sum(net for on, net, is_valid in orders if is_valid and on == day) for day in days]
        t = (NIGHT - days[0]).days
        wanted.append(
            {
                "first_order_on": days[0],
                "last_order_on": days[-1],
                "x": len(days) - 1,
                "t_x": (days[-1] - days[0]).days,
                "t": t,
                "recent_x": sum((NIGHT - day).days < RECENT_DAYS for day in days[1:]),
                "recent_t": min(t, RECENT_DAYS),
                "valued_orders": len(days),
                "mean_value": pytest.approx(float(sum(values)) / len(days), rel=1e-12),
            }
        )
    assert 1000 < sum(row["x"] is not None for row in rows) < len(rows)
    assert [{name: row[name] for name in one} for row, one in zip(rows, wanted, strict=True)] == wanted
