"""What users of other tools reported does not happen here; each test bears the name of the tool."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from value_warehouse import TOTALS, Compiled, connect, rows

from compiled_models import fill

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
Order = tuple[str, int, int, bool]  # who, days ago, net value, whether it counts


def told(compiled: Compiled, to, orders: list[Order], *models: str) -> dict[str, list[dict]]:
    """The rows of these models in a shop of these orders."""
    with connect(to) as session:
        people = sorted({who for who, *_ in orders})
        fill(session, "marts.dim_customers", "customer_key, known_on", ((who, date(2015, 1, 1)) for who in people))
        columns = "customer_key, source, order_id, ordered_on, gross_amount, net_amount, is_valid"
        happened = (
            (who, "s", n, NIGHT - timedelta(ago), abs(net), net, counts)
            for n, (who, ago, net, counts) in enumerate(orders)
        )
        fill(session, "marts.fct_orders", columns, happened)
        compiled.build(session, NIGHT, *TOTALS, *models)
        found = {
            model: rows(session, f"select * from marts.{model}") for model in models if model.startswith("customer")
        }
        session.rollback()
    return found


def scores(found: list[dict], measure: str) -> dict[str, int]:
    return {row["customer_key"]: row[f"{measure}_score"] for row in found}


def test_rsquaredacademy_rfm_17_ties_leave_more_scores_than_one_and_five_and_part_no_equals(first, value_database):
    """Nine in ten bought once: their quantiles are all 1, so `rfm` knew two scores. NTILE parts equals instead."""
    orders = [(f"{n:03}", 40, 10, True) for n in range(90)]
    orders += [(f"many {n}", 40 + day, 10, True) for n in range(10) for day in range(2 + n)]
    found = scores(told(first, value_database, orders, "customer_rfm")["customer_rfm"], "frequency")
    assert {found[f"{n:03}"] for n in range(90)} == {3}
    assert {found[f"many {n}"] for n in range(10)} == {5}


def test_zark_stark12_crm_rfm_modeling_3_recency_means_the_same_by_either_method(first, later, value_database):
    orders = [(f"{n:02}", 8 * n, 10, True) for n in range(25)]
    for compiled in (first, later):
        found = scores(told(compiled, value_database, orders, "customer_rfm")["customer_rfm"], "recency")
        in_order = [found[who] for who in sorted(found)]
        assert in_order == sorted(in_order, reverse=True)
        assert (in_order[0], in_order[-1]) == (5, 1)


def test_pymc_marketing_rfm_segments_repeated_values_leave_nobody_in_an_other_group(first, value_database):
    orders = [(f"{n:02}", 40, 10, True) for n in range(50)]
    found = told(first, value_database, orders, "customer_rfm")["customer_rfm"]
    assert {(row["rfm_score"], row["rfm_group"]) for row in found} == {("333", "almost_lost")}


def test_openretailscience_242_own_cuts_decide_whatever_others_do(later, value_database):
    alone = told(later, value_database, [("ann", 5, 60, True)], "customer_rfm")["customer_rfm"][0]
    among = told(
        later, value_database, [("ann", 5, 60, True), *((f"{n}", 1, 9999, True) for n in range(20))], "customer_rfm"
    )["customer_rfm"]
    (she,) = [row for row in among if row["customer_key"] == "ann"]
    assert she["rfm_score"] == alone["rfm_score"] == "514"


def test_dbt_shopify_cancelled_orders_are_in_no_count(first, value_database):
    orders = [("ann", 10, 50, True), ("ann", 5, 0, False), ("bob", 5, 0, False)]
    found = told(first, value_database, orders, "customer_rfm")["customer_rfm"]
    said = {row["customer_key"]: (row["frequency"], row["monetary"], row["recency_days"]) for row in found}
    assert said == {"ann": (1, Decimal(50), 10), "bob": (0, Decimal(0), None)}
