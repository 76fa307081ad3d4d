"""Cohorts, repurchases and old customers in SQL are what one counts person by person."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import psycopg
import pytest
import retention_by_hand as by_hand
from retention_shop import Compiled, Person, Told, order, random_shop, with_order

from perennial.connections import Connection

pytestmark = pytest.mark.server

COHORT = "fct_cohort_retention"
CHANGING = ("count_active", "count_orders", "net_revenue", "cash_revenue")


@pytest.fixture(scope="module")
def compiled(server: Connection, tmp_path_factory) -> Iterator[Compiled]:
    """The models, compiled for a database of our own."""
    before = set(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(tmp_path_factory.mktemp("state")))
        with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
            session.execute("create database retention template template")
            to = Connection("postgres", server.host, server.port, server.login, database="retention")
            patch.setenv("AIRFLOW_CONN_WAREHOUSE", to.to_json())
            yield Compiled(to)
            session.execute("drop database retention with (force)")
    for name in set(os.environ) - before:
        if name.startswith(("PG", "DBT_")):  # what dbt was told
            del os.environ[name]


@pytest.fixture(scope="module", params=[(1, 150), (2, 150), (3, 150), (4, 2)], ids=str)
def shop(request, compiled) -> tuple[list[Person], Told]:
    people = random_shop(*request.param)
    return people, compiled.tell(people)


def figures(told: Told, cohort: str, age: int) -> dict:
    """The row of a cohort and age."""
    return told.by(COHORT, "cohort_month", "age_months")[date.fromisoformat(cohort), age]


def test_cohorts_are_those_of_every_person(shop):
    people, told = shop
    rows = told.by(COHORT, "cohort_month", "age_months")
    wanted = {(first, age): row for first, age, row in by_hand.retention(people)}
    assert set(rows) - {(None, None)} == set(wanted)
    for key, row in wanted.items():
        assert {column: rows[key][column] for column in row} == row, key


def test_cohorts_by_source_are_those_of_its_people(shop):
    people, told = shop
    rows = told.by(COHORT + "_by_source", "acquisition_source", "cohort_month", "age_months")
    wanted = {
        (source or "unknown", first, age): row
        for source in ("search", "flyer", None)
        for first, age, row in by_hand.retention([p for p in people if p.source == source])
    }
    assert {key for key in rows if key[1]} == set(wanted)
    for key, row in wanted.items():
        assert {column: rows[key][column] for column in row} == row, key


@pytest.mark.parametrize("table", [COHORT, COHORT + "_by_source", "sales_by_customer_age"])
@pytest.mark.parametrize("basis", ["net_revenue", "cash_revenue"])
def test_sums_over_cohorts_equal_the_net_revenue_of_all_orders_to_the_cent(shop, table, basis):
    people, told = shop
    total = sum(row["net_amount"] for row in told.rows["fct_orders"])
    assert total == sum(by_hand.net(order) for person in people for order in person.orders)
    assert sum(row[basis] for row in told.rows[table]) == total


def test_cohort_sizes_never_change_with_age_and_sum_to_everybody_who_bought(shop):
    people, told = shop
    sizes = {}
    for (cohort, _), row in told.by(COHORT, "cohort_month", "age_months").items():
        assert sizes.setdefault(cohort, row["count_customers"]) == row["count_customers"]
    assert sum(sizes.values()) == sum(not row["is_prospect"] for row in told.rows["dim_customers"])
    assert sum(sizes.values()) == sum(by_hand.cohort(person) is not None for person in people)


def test_value_per_customer_is_all_revenue_so_far_by_the_whole_cohort(shop):
    _, told = shop
    rows = told.by(COHORT, "cohort_month", "age_months")
    for (cohort, age), row in rows.items():
        if cohort is not None:
            for basis in ("net", "cash"):
                so_far = sum(rows[cohort, n][f"{basis}_revenue"] for n in range(age + 1))
                assert row[f"{basis}_revenue_cum"] == so_far
                assert row[f"{basis}_revenue_per_customer"] == by_hand.rounded(so_far, row["count_customers"], 4)


def test_new_and_returning_customers_are_those_of_every_month(shop):
    people, told = shop
    rows = told.by("sales_by_customer_age", "month", "customer_age")
    first = min(day for person in people for o in person.orders for day, _ in by_hand.money(o))
    assert set(rows) == {(of, age) for of in by_hand.months(first) for age in ("new", "returning")}
    for (of, age), row in rows.items():
        wanted = by_hand.sales(people, of, age)
        assert {column: row[column] for column in wanted} == wanted, (of, age)
        both = [rows[of, one] for one in ("new", "returning")]
        for share, column in (("customers", "count_customers"), ("orders", "count_orders"), ("revenue", "net_revenue")):
            whole = sum(one[column] for one in both)
            assert row[f"share_of_{share}"] == (by_hand.rounded(row[column], whole) if whole > 0 else None)


def test_repurchase_and_funnel_are_those_of_every_person(shop):
    people, told = shop
    groups = {cohort: [p for p in people if by_hand.cohort(p) == cohort] for cohort in map(by_hand.cohort, people)}
    groups[None] = people
    rates = told.by("repurchase", "cohort_month", "order_number", "within_days")
    funnel = told.by("order_funnel", "cohort_month", "order_number")
    reached = {(c, n) for c, group in groups.items() for n in range(1, 6) if by_hand.steps(group, n)}
    assert set(funnel) == reached
    assert set(rates) == {(*key, days) for key in reached for days in (30, 60, 90, 180, 365)}
    for (cohort, number, days), row in rates.items():
        wanted = by_hand.repurchase(groups[cohort], number, days)
        assert (row["count_reached"], row["count_observed"], row["count_repeated"]) == wanted
        assert row["repurchase_rate"] == by_hand.rounded(wanted[2], wanted[1])
        if wanted[1]:
            bounds = float(row["repurchase_rate_low"]), float(row["repurchase_rate_high"])
            assert bounds == pytest.approx(by_hand.wilson(wanted[2], wanted[1]), abs=2e-6)
    for (cohort, number), row in funnel.items():
        steps = by_hand.steps(groups[cohort], number)
        went_on = sum(again is not None for _, again in steps)
        assert (row["count_reached"], row["count_went_on"]) == (len(steps), went_on)
        assert row["conversion_rate"] == by_hand.rounded(went_on, len(steps))
        assert row["median_days_to_next"] == by_hand.median_days(groups[cohort], number)


def test_the_random_shops_hold_what_could_go_wrong(compiled):
    people = random_shop(1, 150)
    orders = [o for p in people for o in p.orders]
    assert any(by_hand.net(o) < 0 for o in orders)
    assert any(o.cancelled_on and o.refunds for o in orders)
    assert any(o.cancelled_on and by_hand.net(o) < 0 for o in orders)
    assert any(by_hand.cohort(p) is None and any(by_hand.net(o) for o in p.orders) for p in people)
    assert any(
        p.orders and by_hand.cohort(p) and min(o.ordered_on for o in p.orders) < by_hand.cohort(p) for p in people
    )
    assert (None, None) in compiled.tell(people).by(COHORT, "cohort_month", "age_months")


def test_months_without_activity_are_there_and_zero(compiled):
    """In dbt_shopify (issue 85) running totals of such months were null."""
    told = compiled.tell([Person(orders=(order("2015-01-31"), order("2017-01-01")))])
    rows = told.by(COHORT, "cohort_month", "age_months")
    assert [age for _, age in sorted(rows)] == list(range(27))
    assert [rows[date(2015, 1, 1), age]["count_active"] for age in range(27)] == [1] + [0] * 23 + [1, 0, 0]
    assert all(rows[date(2015, 1, 1), 7][column] == 0 for column in (*CHANGING, "retention_share"))


@pytest.mark.parametrize(
    "first",
    [order("2016-01-05", cancelled="2016-01-06"), order("2016-01-05", refunds={"2017-01-02": 60, "2017-03-30": 40})],
    ids=["cancelled", "refunded in parts, the last one tonight"],
)
def test_whose_first_order_does_not_count_is_in_the_cohort_of_the_first_that_does(compiled, first):
    told = compiled.tell([Person(orders=(first, order("2016-03-09")))])
    assert {row["cohort_month"] for row in told.rows[COHORT]} == {date(2016, 3, 1)}
    assert figures(told, "2016-03-01", 0)["count_customers"] == 1
    assert sum(row["cash_revenue"] for row in told.rows[COHORT]) == 100


def test_a_refund_on_a_two_year_old_order_corrects_its_cohort(compiled):
    """In dbt_shopify (pull request 76) one older than the look-back of a month never did."""
    she, other = Person(orders=(order("2015-02-10"),)), Person(orders=(order("2015-02-20", 50),))
    before = compiled.tell([she, other])
    after = compiled.tell([replace(she, orders=(order("2015-02-10", refunds={"2017-03-29": 40}),)), other])
    assert figures(before, "2015-02-01", 0)["net_revenue"] == 150
    assert figures(after, "2015-02-01", 0)["net_revenue"] == 110
    assert figures(after, "2015-02-01", 0)["cash_revenue"] == 150
    assert figures(after, "2015-02-01", 25)["net_revenue"] == 0
    assert figures(after, "2015-02-01", 25)["cash_revenue"] == -40
    assert figures(after, "2015-02-01", 25)["cash_revenue_per_customer"] == Decimal(55)


def test_merged_identities_count_once(compiled):
    orders = (order("2016-01-01"), order("2016-02-01"), order("2016-02-02"))
    alone = compiled.tell([Person(orders=orders)])
    merged = compiled.tell([Person(orders=orders, records=2)])
    assert len({row["source"] for row in merged.rows["fct_orders"]}) == 2
    for table in (COHORT, "sales_by_customer_age", "repurchase", "order_funnel"):
        assert merged.rows[table] == alone.rows[table]
    assert figures(merged, "2016-01-01", 1)["count_active"] == 1


def test_an_order_that_arrives_late_and_lies_before_the_first_moves_the_cohort(compiled):
    she = Person(orders=(order("2016-05-05"),))
    assert {row["cohort_month"] for row in compiled.tell([she]).rows[COHORT]} == {date(2016, 5, 1)}
    told = compiled.tell([with_order(she, order("2015-12-31", 30))])
    assert {row["cohort_month"] for row in told.rows[COHORT]} == {date(2015, 12, 1)}
    assert figures(told, "2015-12-01", 5)["net_revenue"] == 100


def test_an_empty_shop_has_no_rows_and_breaks_nothing(compiled):
    told = compiled.tell([])
    assert {table for table, rows in told.rows.items() if rows} == set()
