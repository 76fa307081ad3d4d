"""The gate stops the night when a total differs between layers."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from perennial import gate
from perennial.errors import GateError
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
SEGMENT_TOTALS = Path(__file__).parents[1] / "dbt_project/models/marts/customer/fct_segment_totals.sql"


def totals(monkeypatch, first: str, second: str) -> None:
    layers = {"source": f"select {first}", "marts": f"select {second}"}
    monkeypatch.setattr(gate, "TOTALS", {"net revenue": layers, "orders": {"a": "select 1", "b": "select 1"}})


def test_a_difference_of_a_cent_blocks_and_says_where(warehouse, rows, monkeypatch):
    totals(monkeypatch, "10.00", "10.01")
    with pytest.raises(GateError, match=r"nothing is exported: net revenue: source 10\.00, marts 10\.01"):
        gate.run(NIGHT)
    found = rows("select check_name, passed, severity from ops.gate_results order by check_name")
    assert [tuple(r.values()) for r in found] == [
        ("reconcile net revenue", False, "block"),
        ("reconcile orders", True, "block"),
    ]


def test_after_the_cause_is_mended_the_same_night_passes(warehouse, rows, monkeypatch):
    totals(monkeypatch, "10.00", "10.01")
    with pytest.raises(GateError):
        gate.run(NIGHT)
    totals(monkeypatch, "10.00", "10.0000")
    gate.run(NIGHT)
    assert rows("select bool_and(passed) as open from ops.gate_results") == [{"open": True}]
    assert len(rows("select 1 from ops.reconciliation")) == 4


@pytest.fixture
def segmented(warehouse, monkeypatch):
    """A shop of three customers, divided in every way on two nights."""
    with connect() as session:
        session.execute("create table marts.dim_stages (lifecycle_model text)")
        session.execute("create table marts.fct_segment_totals (as_of date, segmentation text, count_customers bigint)")
        session.execute("insert into marts.dim_stages values ('crm'), ('crm'), ('telecom')")
        session.execute("insert into ops.nights (as_of, build_started_at) values (%s, now())", [NIGHT])
        for name in (*gate.SEGMENTED_BY, "stage of crm", "stage of telecom"):
            totals = "insert into marts.fct_segment_totals values (%(night)s, %(name)s, 1), (%(night)s, %(name)s, 2)"
            session.execute(f"{totals}, (date '2017-09-29', %(name)s, 3)", {"night": NIGHT, "name": name})
    layers = {"all": "select 3", **gate._segmentations("count_customers")}
    monkeypatch.setattr(gate, "TOTALS", {"customers": layers})


@pytest.mark.parametrize("missing", ["segmentation = 'quadrant'", "segmentation = 'stage of telecom'", "true"])
def test_a_segmentation_that_is_missing_as_a_whole_blocks(segmented, missing):
    gate.run(NIGHT)
    with connect() as session:
        session.execute(f"delete from marts.fct_segment_totals where as_of = '{NIGHT}' and {missing}")
    with pytest.raises(GateError, match="customers: all 3, segmentations, lowest 0"):
        gate.run(NIGHT)


def test_the_gate_expects_every_column_that_divides_the_customers():
    (listed,) = re.findall(r"set segmentations = \[(.*?)\]", SEGMENT_TOTALS.read_text("utf-8"), re.DOTALL)
    assert tuple(re.findall(r"'(\w+)'", listed)) == gate.SEGMENTED_BY


def test_who_is_missing_in_a_mart_of_everybody_is_not_counted_as_without_a_segment():
    assert {"customer_360", "customer_abc", "customer_rfm", "customer_quadrant"} <= set(gate.TOTALS["customers"])


def test_what_was_refunded_beyond_an_order_before_it_was_cancelled_is_gone(warehouse):
    with connect() as session:
        session.execute("""
            create schema if not exists input;
            create table input.input_orders (source text, order_id text, gross_amount numeric, cancelled_on date);
            create table input.input_refunds (source text, order_id text, amount numeric, refunded_on date);
            insert into input.input_orders values ('shop', 'kept', 10, null), ('shop', 'cut', 100, null),
                ('shop', 'off', 100, '2017-01-10'), ('shop', 'over', 100, '2017-01-10'),
                ('shop', 'later', 100, '2017-01-10');
            insert into input.input_refunds values ('shop', 'cut', 130, '2017-01-20'),
                ('shop', 'off', 30, '2017-01-09'), ('shop', 'over', 120, '2017-01-09'),
                ('shop', 'over', 30, '2017-01-10'), ('shop', 'later', 150, '2017-01-11')
        """)
        told = session.execute(gate.TOTALS["net revenue"]["input"]).fetchone()
        session.rollback()
    assert told.popitem()[1] == 10 - 30 + 0 - 50 + 0


@pytest.fixture
def delivered(warehouse, monkeypatch):
    """Nights of what sources delivered; a function that adds one, and one that tells what the gate warns of."""
    totals(monkeypatch, "1", "1")
    monkeypatch.setattr(gate.swept, "told", lambda *_: [])

    def add(age: int, **rows: int) -> None:
        as_of = NIGHT - timedelta(age)
        with connect() as session:
            for entity, landed in rows.items():
                session.execute(
                    "insert into ops.batches values (%s, 'shop', %s, %s, now(), %s, %s, 0, 0, 0, '')",
                    [f"shop.{entity}.{as_of}", entity, as_of, landed, landed],
                )

    def told() -> list[str]:
        gate.run(NIGHT)
        with connect() as session:
            asked = "select message from ops.gate_results where check_name = 'silent sources' and not passed"
            return [row["message"] for row in session.execute(asked).fetchall()]

    add.told = told
    return add


def test_a_source_that_returns_zero_rows_tonight_is_told_with_the_remedy_and_stops_no_other(delivered):
    for age in range(1, 6):
        delivered(age, orders=100 * age, refunds=age % 3, customers=7)
    delivered(0, orders=0, refunds=0, customers=7)
    (said,) = delivered.told()
    assert said.startswith("no rows tonight: shop.orders (300 a night before).")
    assert "`perennial sources check`" in said


def test_a_source_of_few_nights_and_one_that_was_not_read_tonight_are_not_told(delivered):
    for age in (1, 2):
        delivered(age, orders=5)
    delivered(0, orders=0)
    for age in range(1, 6):
        delivered(age, lines=5)
    assert delivered.told() == []
