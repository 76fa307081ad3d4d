"""Night by night, customer days and what is summed up of them are what a full build says."""

from datetime import date
from decimal import Decimal
from random import Random

import psycopg
import pytest
from changing_shop import INPUT, Shop

from compiled_models import pointed_at
from perennial import config, identity, transform
from perennial.connections import Connection

pytestmark = pytest.mark.server

FACTS = (*identity.MODELS, "int_ledger", "int_given_back", "int_customer_facts", "fct_orders", "dim_customers")
FACTS += ("int_cohorts",)
CHANGED = "intermediate.int_changed_days"
DAYS = ("int_changed_days", "int_changed_months", "int_customer_days")
CHAIN = (*DAYS, "int_cohort_months", "int_revised_days", "int_order_totals")
KEPT = ("int_customer_days", "int_order_totals", "int_cohort_months")
OF_PERSONS = KEPT[:2]
# the nights a window of 91 or 365 days and a quarter move over what happened before them
NIGHTS = [date(2017, 3, 30), date(2017, 3, 31), date(2017, 4, 1), date(2017, 6, 30), date(2018, 3, 30)]
# what a first attempt at a night gets done before it is killed
KILLED_AFTER = {NIGHTS[0]: DAYS, NIGHTS[1]: DAYS, NIGHTS[3]: (*DAYS, "int_cohort_months")}


def compiled_in_full(warehouse: Connection) -> dict[str, str]:
    """The SQL of a full build by model, for the last night."""
    transform.run(["compile", "--full-refresh", "--select", *CHAIN], config.load(), NIGHTS[-1], warehouse)
    written = transform.target_folder(NIGHTS[-1]) / "compiled"
    return {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in CHAIN}


def said(session: psycopg.Connection, query: str) -> set[str]:
    """Its rows as text."""
    rows = [row for (row,) in session.execute(f"select cast(said as text) from ({query}) as said")]
    assert len(rows) == len(set(rows))
    return set(rows)


def versions(session: psycopg.Connection) -> dict[str, dict]:
    """By table, the transactions that wrote the rows of each person."""
    ask = "select customer_key, array_agg(distinct cast(xmin as text)) from intermediate.{} group by customer_key"
    return {model: dict(session.execute(ask.format(model)).fetchall()) for model in OF_PERSONS}


def test_nights_killed_or_not_end_where_a_full_build_does_and_a_night_run_again_writes_nothing(warehouse, tmp_path):
    to, shop = warehouse, Shop(Random(5), 400, date(2015, 1, 1))
    where = {"host": to.host, "port": to.port, "user": to.login, "dbname": to.database, "autocommit": True}
    with pointed_at(to, tmp_path), psycopg.connect(**where, options="-c timezone=UTC -c jit=off") as session:
        session.execute(INPUT)
        full, before, untouched, retired = compiled_in_full(to), {}, 0, 0
        shop.happen(NIGHTS[0], 2000)
        for night in NIGHTS:
            for attempt in filter(None, (KILLED_AFTER.get(night), CHAIN)):
                shop.happen(night, 40)
                shop.tell(session)
                transform.run(["run", "--select", *FACTS, *attempt], config.load(), night, to)
            with session.transaction(force_rollback=True):  # in full, everybody changed
                session.execute(f"truncate {CHANGED}; insert into {CHANGED} {full['int_changed_days']}")
                for model in KEPT:
                    anew = said(session, full[model].replace(str(NIGHTS[-1]), str(night)))
                    assert said(session, f"select * from intermediate.{model}") == anew, (night, model)
            wrote = versions(session)
            untouched += sum(wrote["int_customer_days"].get(who) == by for who, by in before.items())
            retired += len(set(before) - set(wrote["int_customer_days"]))
            before = wrote["int_customer_days"]
        assert untouched > 0.7 * len(before) * (len(NIGHTS) - 1)
        assert retired > 5
        transform.run(["run", "--select", *FACTS, *CHAIN], config.load(), NIGHTS[-1], to)
        assert versions(session) == wrote
        # in full, each alone: the list of who changed was read and is empty
        before = {model: said(session, f"select * from intermediate.{model}") for model in KEPT}
        for model in KEPT:
            transform.run(["run", "--full-refresh", "--select", model], config.load(), NIGHTS[-1], to)
            assert said(session, f"select * from intermediate.{model}") == before[model], model


RETENTION = ("fct_cohort_retention_by_source", "fct_cohort_retention", "sales_by_customer_age")
OLD = """
    select customer_key, cast(order_id as integer), ordered_on from marts.fct_orders
    where is_valid and refunded_amount = 0 and gross_amount > 10 and ordered_on < date '2015-03-29'
    order by order_id limit 1
"""


def test_a_refund_of_a_two_year_old_order_changes_its_customer_and_her_cohort_and_nothing_else(warehouse, tmp_path):
    to, shop, nights = warehouse, Shop(Random(9), 60, date(2015, 1, 1)), (date(2017, 3, 29), date(2017, 3, 30))
    where = {"host": to.host, "port": to.port, "user": to.login, "dbname": to.database, "autocommit": True}
    days, cohorts, kept = (
        "intermediate.int_customer_days",
        "intermediate.int_cohort_months",
        "marts.fct_cohort_retention",
    )
    with pointed_at(to, tmp_path), psycopg.connect(**where, options="-c timezone=UTC -c jit=off") as session:
        session.execute(INPUT)
        shop.happen(nights[0], 900)
        shop.tell(session)
        transform.run(["run", "--select", *FACTS, *CHAIN, *RETENTION], config.load(), nights[0], to)
        tables = (days, cohorts, kept, "marts.sales_by_customer_age")
        before = {table: rows(session, table) for table in tables}
        ((she, number, on),) = session.execute(OLD).fetchall()
        shop.orders[number].refunds.append((nights[1], shop.orders[number].gross / 2))
        shop.tell(session)
        transform.run(["run", "--select", *FACTS, *CHAIN, *RETENTION], config.load(), nights[1], to)
        after = {table: rows(session, table) for table in tables}
        ((first,),) = session.execute(
            f"select distinct cohort_month from {days} where customer_key = '{she}'"
        ).fetchall()
    half = (shop.orders[number].gross / 2).quantize(Decimal("0.0001"))
    changed = {table: differences(before[table], after[table]) for table in tables}
    months = {on.replace(day=1), date(2017, 3, 1)}
    assert {row["customer_key"] for row in changed[days]} == {she}
    assert {(row["cohort_month"], row["month"]) for row in changed[cohorts]} == {(first, month) for month in months}
    assert {row["cohort_month"] for row in changed[kept]} == {first}
    assert {row["month"] for row in changed["marts.sales_by_customer_age"]} == months
    was, is_now = (
        {row["month"]: row for row in told[kept] if row["cohort_month"] == first} for told in (before, after)
    )
    for month, row in is_now.items():
        own = {"net_revenue": half * (month == on.replace(day=1)), "cash_revenue": half * (month == date(2017, 3, 1))}
        own |= {"net_revenue_cum": half * (month >= on.replace(day=1)), "cash_revenue_cum": own["cash_revenue"]}
        for column in row.keys() - {"net_revenue_per_customer", "cash_revenue_per_customer"}:
            lost = own.get(column) or 0
            assert (was[month][column] - lost if lost else was[month][column]) == row[column], (month, column)


def rows(session: psycopg.Connection, table: str) -> list[dict]:
    with session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(f"select * from {table}").fetchall()


def differences(before: list[dict], after: list[dict]) -> list[dict]:
    """Rows that are only in one of them."""
    told = [{tuple(row.items()): row for row in rows} for rows in (before, after)]
    return [told[key in told[1]][key] for key in told[0].keys() ^ told[1].keys()]
