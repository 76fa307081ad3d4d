"""What the semantic layer says and what plain SQL says bear the same names, and are the same figures."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest
import yaml

from compiled_models import NIGHT, compiled, fill, pointed_at
from perennial import config

FOLDER = Path(__file__).parents[2] / "dbt_project" / "models" / "marts" / "metrics"
KEYS = {"day", "month", "as_of"}
AS_OF = date(2017, 9, 30)
VIEWS = {"metrics_daily": "day", "metrics_monthly": "month", "metrics_customers": "as_of", "metrics_loyalty": "month"}
TABLES = """
create table marts.fct_orders (
    customer_key text, ordered_on date, gross_amount numeric(18, 4), refunded_amount numeric(18, 4),
    net_amount numeric(18, 4), is_valid boolean
);
create table marts.customer_360 (
    as_of date, customer_key text, is_prospect boolean, first_ordered_on date, count_orders bigint,
    historic_revenue numeric(18, 4), value_12m numeric(18, 4), clv_365d double precision, abc_tier text, rfm_group text,
    rfm_cell text, quadrant text, order_value_quintile integer, country text, acquisition_source text,
    favourite_source text, favourite_weekday integer, first_touch text, quadrant_path text
);
create view marts.dim_customers as select * from marts.customer_360;
create table marts.customer_lifecycle (customer_key text, lifecycle_model text, stage text);
create table marts.fct_cohort_retention (
    cohort_month date, age_months int, month date, count_customers bigint, count_active bigint
);
create table marts.order_funnel (
    cohort_month date, order_number int, count_reached bigint, count_went_on bigint
);
create table marts.repurchase (
    cohort_month date, order_number int, within_days int, count_observed bigint, count_repeated bigint
);
create table marts.sales_by_customer_age (month date, customer_age text, net_revenue numeric);
create table marts.early_warning_quality (
    month date, reason text, count_judged bigint, count_lost bigint, precision_share numeric
);
create table marts.value_concentration (as_of date, share_of_customers_for_80pct numeric, gini numeric);
create table marts.dim_days as
select cast(generate_series(date '2017-01-01', '2018-09-30', interval '1 day') as date) as day
"""


def columns(view: str) -> list[str]:
    (model,) = yaml.safe_load((FOLDER / f"{view}.yml").read_text("utf-8"))["models"]
    return [column["name"] for column in model["columns"] if column["name"] not in KEYS]


def test_every_metric_is_a_column_of_a_view_and_every_column_a_metric():
    metrics = [metric["name"] for metric in yaml.safe_load((FOLDER / "metrics.yml").read_text("utf-8"))["metrics"]]
    assert columns("metrics_daily") == columns("metrics_monthly")
    assert metrics == columns("metrics_daily") + columns("metrics_customers") + columns("metrics_loyalty")


def test_every_metric_is_labelled_in_english_and_chinese_and_described():
    for metric in yaml.safe_load((FOLDER / "metrics.yml").read_text("utf-8"))["metrics"]:
        english, chinese = metric["label"].rsplit(" ", 1)
        assert english.isascii(), metric["name"]
        assert not chinese.isascii(), metric["name"]
        assert metric["description"].endswith("."), metric["name"]


def semantic_figures(session: psycopg.Connection, period: str) -> dict[tuple[str, date], Decimal]:
    """(metric, period) -> figure, in the SQL that metrics.yml stands for."""
    layer, figures = yaml.safe_load((FOLDER / "metrics.yml").read_text("utf-8")), {}
    for model in layer["semantic_models"]:
        table = model["model"].split("'")[1]
        dimensions = {dimension["name"]: dimension.get("expr", dimension["name"]) for dimension in model["dimensions"]}
        for measure in model["measures"]:
            day = dimensions[measure.get("agg_time_dimension", model["defaults"]["agg_time_dimension"])]
            how = "count(distinct {})" if measure["agg"] == "count_distinct" else measure["agg"] + "({})"
            when = f"cast(date_trunc('{period}', cast({day} as timestamp)) as date)" if period != "as_of" else day
            ask = f"select {when}, {how.format(measure.get('expr', measure['name']))} from marts.{table} group by 1"
            figures |= {(measure["name"], on): figure for on, figure in session.execute(ask) if on}
    for metric in layer["metrics"]:
        if metric["type"] == "ratio":
            above, below = (metric["type_params"][part] for part in ("numerator", "denominator"))
            for name, on in [key for key in figures if key[0] == above]:
                if figures.get((below, on)):
                    figures[metric["name"], on] = Decimal(figures[name, on]) / Decimal(figures[below, on])
        else:
            assert metric["type_params"]["measure"] == metric["name"]
    return figures


def loyalty(chance: Random, orders: list[tuple]) -> dict[str, list[tuple]]:
    """Random rows, by table, of what the views read beside orders and customers; sales are those of the orders."""
    begun = sorted({order[1].replace(day=1) for order in orders})
    revenue = {month: sum(o[4] for o in orders if o[1].replace(day=1) == month) for month in begun}

    def some(at_most: int) -> tuple[int, int]:
        whole = chance.randint(1, at_most)
        return whole, chance.randint(0, whole)

    old = {month: round(revenue[month] * Decimal(chance.random()), 2) for month in begun}
    judged = {(month, reason): some(50) for month in begun for reason in ("any", "overdue")}
    return {
        "fct_cohort_retention": [
            (first, age, month, *some(99)) for first in begun for age, month in enumerate(begun[begun.index(first) :])
        ],
        "order_funnel": [(month, number, *some(99)) for month in [*begun, None] for number in (1, 2)],
        "repurchase": [
            (month, number, days, *some(99)) for month in [*begun, None] for number in (1, 2) for days in (30, 90)
        ],
        "sales_by_customer_age": [(month, "returning", amount) for month, amount in old.items()]
        + [(month, "new", revenue[month] - amount) for month, amount in old.items()],
        "early_warning_quality": [
            (*key, whole, part, round(Decimal(part) / whole, 6)) for key, (whole, part) in judged.items()
        ],
        "value_concentration": [(AS_OF, "0.41", "0.6")],
    }


@pytest.fixture
def traded(warehouse, tmp_path):
    """A session on a shop of random orders, and the views, by name."""
    chance = Random(3)
    with pointed_at(warehouse, tmp_path):
        sql = compiled([*VIEWS, "fct_segment_totals"], config.load(), warehouse)
    to = warehouse
    with psycopg.connect(host=to.host, user=to.login, dbname=to.database, options="-c timezone=UTC") as session:
        session.execute(TABLES)
        orders = []
        for _ in range(400):
            gross, day = Decimal(chance.randint(0, 9999)) / 100, AS_OF - timedelta(days=chance.randint(0, 120))
            refunded = chance.choice([Decimal(0), Decimal(0), gross / 4, gross, gross * 2])
            net = Decimal(0) if (cancelled := chance.random() < 0.1) else gross - refunded
            orders.append((f"c{chance.randint(0, 60)}", day, gross, refunded, net, not cancelled and net > 0))
        fill(
            session,
            "marts.fct_orders",
            "customer_key, ordered_on, gross_amount, refunded_amount, net_amount, is_valid",
            orders,
        )
        people = []
        for who in (f"c{n}" for n in range(70)):
            valid = [day for key, day, *_, counts in orders if key == who and counts]
            worth = sum(net for key, _, _, _, net, _ in orders if key == who)
            tier = chance.choice(["A", "B", None])
            people.append((AS_OF, who, not valid, min(valid, default=None), worth, chance.random() * 99, tier))
        columns = "as_of, customer_key, is_prospect, first_ordered_on, historic_revenue, clv_365d, abc_tier"
        fill(session, "marts.customer_360", columns, people)
        for table, told in loyalty(chance, orders).items():
            with session.cursor() as cursor, cursor.copy(f"copy marts.{table} from stdin") as copy:
                for row in told:
                    copy.write_row(row)
        for table in ("fct_segment_totals", *VIEWS):
            session.execute(f"create table marts.{table} as {sql[table].replace(str(NIGHT), str(AS_OF))}")
        yield session


@pytest.mark.server
@pytest.mark.parametrize("view", VIEWS)
def test_the_semantic_layer_and_plain_sql_give_the_same_figures(traded, view):
    period, names = VIEWS[view], columns(view)
    expected = semantic_figures(traded, period)
    rows = traded.execute(f"select {period}, {', '.join(names)} from marts.{view}").fetchall()
    said = {(name, on): figure for on, *figures in rows for name, figure in zip(names, figures, strict=True) if figure}
    wanted = {key: figure for key, figure in expected.items() if key[0] in names and figure}
    assert said.keys() == wanted.keys()
    assert {name for name, _ in said} == set(names)
    for key, figure in said.items():
        allowed = Decimal("0.000001" if abs(figure) < 1 else "0.01")
        assert figure == pytest.approx(Decimal(wanted[key]), abs=allowed), key
