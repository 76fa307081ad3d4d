"""Lines, categories and suggestions after many nights are those of one full build, and what one counts by hand."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import offers_by_hand as by_hand
import pytest
from offer_shop import MODELS, Shop, database, history, settings, table

from perennial.connections import Connection
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

FIRST, SECOND, KILLED, FOURTH, LAST = (date(2017, 10, 30) + timedelta(days=n) for n in range(5))
LATE = ("quiet", *(f"{n}-0" for n in range(1, 50, 2)))  # lines that come long after their order
TABLES = (
    "marts.fct_order_lines",
    "marts.dim_products",
    "intermediate.int_customer_categories",
    "marts.category_cycles",
    "marts.customer_category_replenishment",
    "marts.category_affinity",
    "intermediate.int_next_categories",
    "marts.customer_next_category",
)
WRITTEN = ("marts.fct_order_lines", "intermediate.int_customer_categories", "intermediate.int_next_categories")


@pytest.fixture(scope="module")
def shop(server: Connection, tmp_path_factory) -> Iterator[Shop]:
    """A shop after five nights, the third of which was killed, the fourth run twice."""
    with database(server, "offers", tmp_path_factory.mktemp("state")) as to:
        yield lived(Shop(to))


def lived(shop: Shop) -> Shop:
    """Everything that changes lines, in five nights."""
    for order, customer, day, categories in history(Random(1), FIRST):
        shop.buy(order, customer, day, *categories)
    shop.order("no lines yet", "c0", FIRST, 20, FIRST)
    shop.buy("partly", "c1", FIRST, "tea", "bread", "Milk")
    shop.buy("wholly", "c2", FIRST, "soap", "tea")
    shop.buy("cancelled", "c3", FIRST, "cola")
    shop.buy("corrected", "c4", FIRST, "  Tea", None, "", "TEA")
    shop.buy("moved", "c5", FIRST, "RUM", "tea")
    shop.buy("quiet", "quiet", FIRST, "tea", "bread")
    shop.line("no order yet", 1, "sugar", 10, FIRST)
    for one in ("twin one", "twin two"):
        shop.customer(one, FIRST)
        shop.buy(f"of {one}", one, FIRST, "tea" if one == "twin one" else "soap", "cola")
    shop.tell(FIRST)
    shop.build(FIRST)

    shop.line("no lines yet", 1, "rum", 20, SECOND)
    shop.refund("partly", SECOND, 10)
    shop.refund("wholly", SECOND, 20)
    shop.order("cancelled", "c3", FIRST, 10, SECOND, cancelled=SECOND)
    shop.line("corrected", 1, "salt", 10, SECOND)
    shop.buy("another", "c6", SECOND, "salt", "soap")
    shop.tell(SECOND)
    shop.build(SECOND)

    for one in ("twin one", "twin two"):
        shop.customer(one, KILLED, "twin@example.com")
    shop.buy("while killed", "c8", KILLED, "tea", "sugar")
    shop.tell(KILLED)
    shop.build(KILLED, ends=False)
    shop.line("no lines yet", 2, "soap", 10, KILLED)
    shop.tell(KILLED)
    shop.build(KILLED, ends=False, models=["int_changed_lines"])  # seen, but killed before it was read

    shop.order("moved", "c7", FIRST, 20, FOURTH)
    shop.order("no order yet", "c9", FIRST, 10, FOURTH)
    shop.tell(FOURTH)
    shop.build(FOURTH)
    for order in LATE:  # delivered after the night, which runs again
        shop.line(order, 9, "soap", 10, FOURTH)
    shop.tell(FOURTH)
    shop.build(FOURTH)
    with connect() as session:
        shop.before = {name: table(session, name, "xmin::text, *") for name in WRITTEN}
        shop.lines_before = session.execute("select * from marts.fct_order_lines").fetchall()

    shop.refund("partly", LAST, 5)
    shop.buy("last", "c10", LAST, "bread", "soap")
    shop.line("corrected", 4, None, 10, LAST)
    shop.tell(LAST)
    shop.build(LAST)
    return shop


@pytest.fixture(scope="module")
def told(shop) -> dict[str, list[dict]]:
    """The rows of every table after the last night."""
    with connect() as session:
        return {name: session.execute(f"select * from {name}").fetchall() for name in TABLES}


def test_a_night_writes_only_those_who_did_something(shop):
    with connect() as session:
        keys = session.execute("select md5('shop:c1') as a, md5('shop:c4') as b, md5('shop:c10') as c").fetchone()
        for name in WRITTEN:
            after = set(table(session, name, "xmin::text, *"))
            gone = [row for row in shop.before[name] if row not in after]
            assert gone, name
            assert all(set(keys.values()) & set(row) for row in gone), name


def test_whose_lines_changed_survives_a_crash_of_the_server(shop):
    with connect() as session:
        ask = "select relpersistence as kept from pg_class where relname = 'int_changed_lines'"
        assert session.execute(ask).fetchone() == {"kept": "p"}


def test_lines_follow_their_orders_wherever_they_go(told):
    lines = {(row["order_id"], row["line_no"]): row for row in told["marts.fct_order_lines"]}
    keys = {row["order_id"]: row["customer_key"] for row in told["marts.fct_order_lines"]}
    assert lines["no lines yet", 1]["category"] == "rum"
    assert lines["no lines yet", 2]["category"] == "soap"
    assert lines["no order yet", 1]["category"] == "sugar"
    assert lines["quiet", 9]["category"] == "soap"
    assert [lines["corrected", n]["category"] for n in (1, 2, 3, 4)] == ["salt", None, None, None]
    assert sum(lines["partly", n]["net_amount"] for n in (1, 2, 3)) == 15
    assert lines["wholly", 1]["net_amount"] == lines["cancelled", 1]["net_amount"] == 0
    assert not lines["wholly", 1]["is_valid"]
    assert keys["of twin one"] == keys["of twin two"]
    assert keys["moved"] == keys["7-0"] != keys["5-0"]


def test_net_lines_add_up_to_the_net_amount_of_their_orders(told):
    lines = Counter()
    for row in told["marts.fct_order_lines"]:
        lines[row["order_id"]] += row["net_amount"]
    with connect() as session:
        orders = session.execute("select order_id, net_amount from marts.fct_orders").fetchall()
    differ = {row["order_id"] for row in orders if row["net_amount"] != lines[row["order_id"]]}
    assert differ == {"no lines yet", *LATE}  # their lines say more than their orders


def test_rules_are_counted_on_the_first_night_of_the_month_that_ended(told):
    assert {row["as_of"] for row in told["marts.category_affinity"]} == {FOURTH}


def test_rules_and_suggestions_are_those_of_plain_counting(told, shop):
    offers = settings().value.offers
    found = by_hand.rules(shop.lines_before, FOURTH, offers)
    said = {(row["category"], row["other_category"]): row for row in told["marts.category_affinity"]}
    assert set(said) == set(found)
    for pair, (both, confidence, lift, score, real) in found.items():
        row = said[pair]
        assert (row["count_both"], row["significant"]) == (both, real), pair
        said_of = [float(row[column]) for column in ("confidence", "lift", "score")]
        assert said_of == pytest.approx([confidence, lift, score], abs=2e-6), pair
    assert any(real for *_, real in found.values())
    assert not all(real for *_, real in found.values())
    suggested = {}
    for row in told["marts.customer_next_category"]:
        suggested.setdefault(row["customer_key"], {})[row["place"]] = (row["category"], row["because_of"])
    wanted = {
        customer: dict(enumerate(best, 1))
        for customer, has in by_hand.baskets(
            told["marts.fct_order_lines"], FOURTH - timedelta(days=offers.window_days)
        ).items()
        if (best := by_hand.suggestions(has, found, offers.suggestions))
    }
    assert suggested == wanted
    assert {len(one) for one in wanted.values()} >= {1, 2}


def test_cycles_of_categories_are_those_of_plain_counting(told):
    wanted = by_hand.cycles(told["marts.fct_order_lines"])
    said = {row["category"]: row["cycle_days"] for row in told["marts.category_cycles"]}
    assert {category: float(cycle) for category, cycle in said.items() if cycle} == pytest.approx(wanted, abs=0.006)
    bought = by_hand.days(told["marts.fct_order_lines"])
    rows = told["marts.customer_category_replenishment"]
    assert {(row["customer_key"], row["category"]) for row in rows} == {
        key for key, days in bought.items() if len(days) > 1
    }
    for row in rows:
        days = bought[row["customer_key"], row["category"]]
        assert row["last_ordered_on"] == max(days)
        assert row["order_days"] == len(days)
        assert row["cycle_days"] >= 3
        assert row["days_left"] == (row["replenish_on"] - LAST).days


def test_nights_end_where_one_full_build_does(shop):
    with connect() as session:
        before = {name: table(session, name) for name in TABLES}
    shop.build(LAST, "--full-refresh")
    with connect() as session:
        after = {name: table(session, name) for name in TABLES}
    for name in TABLES:
        assert after[name] == before[name], name
        assert after[name]


@pytest.mark.parametrize("model", [name.split(".")[1] for name in WRITTEN])
def test_a_model_built_in_full_alone_says_what_it_said_and_the_next_night_too(shop, model):
    with connect() as session:
        before = {name: table(session, name) for name in TABLES}
    shop.build(LAST, "--full-refresh", models=[model], upstream=False)
    with connect() as session:
        name = next(name for name in TABLES if name.endswith(model))
        assert table(session, name) == before[name]
    shop.build(LAST)
    with connect() as session:
        for name in TABLES:
            assert table(session, name) == before[name], name


@pytest.fixture(scope="module")
def reverted(server: Connection, tmp_path_factory) -> Iterator[Shop]:
    """A night was killed once lines were written; then the sources took back what it had been told."""
    with database(server, "reverted", tmp_path_factory.mktemp("reverted")) as to:
        shop = Shop(to)
        for one in ("twin one", "twin two"):
            shop.customer(one, FIRST)
            shop.buy(f"of {one}", one, FIRST, "tea", "cola")
        for customer in ("c1", "c2", "c3", "c4"):
            shop.buy(f"of {customer}", customer, FIRST, "tea", "soap")
        shop.tell(FIRST)
        shop.build(FIRST)
        shop.build(SECOND)
        shop.order("of c1", "c1", FIRST, 20, KILLED, cancelled=KILLED)
        shop.order("of c2", "c4", FIRST, 20, KILLED)  # nothing of hers is left
        for one in ("twin one", "twin two"):
            shop.customer(one, KILLED, "twin@example.com")
        shop.tell(KILLED)
        shop.build(KILLED, ends=False, models=["fct_order_lines"])
        with connect() as session:
            rows = session.execute("select order_id, customer_key, is_valid from marts.fct_order_lines").fetchall()
        shop.killed = {row["order_id"]: row for row in rows}
        shop.order("of c1", "c1", FIRST, 20, FOURTH)
        shop.order("of c2", "c2", FIRST, 20, FOURTH)
        for one in ("twin one", "twin two"):
            shop.customer(one, FOURTH, f"{one[-3:]}@example.com")
        shop.tell(FOURTH)
        shop.build(FOURTH)
        yield shop


def test_what_a_killed_night_wrote_and_the_sources_took_back_is_written_again(reverted):
    assert not reverted.killed["of c1"]["is_valid"]
    assert reverted.killed["of c2"]["customer_key"] == reverted.killed["of c4"]["customer_key"]
    assert reverted.killed["of twin one"]["customer_key"] == reverted.killed["of twin two"]["customer_key"]
    with connect() as session:
        night = {name: table(session, name) for name in TABLES}
        orders = table(session, "marts.fct_orders", "order_id, customer_key, net_amount, is_valid")
        lines = table(
            session,
            "(select order_id, customer_key, sum(net_amount) as net_amount, is_valid from marts.fct_order_lines "
            "group by order_id, customer_key, is_valid) as summed",
        )
    assert lines == orders
    reverted.build(FOURTH, "--full-refresh")
    with connect() as session:
        for name in TABLES:
            assert table(session, name) == night[name], name


def test_a_shop_without_lines_has_cycles_and_nothing_to_offer(server, tmp_path_factory):
    with database(server, "no_lines", tmp_path_factory.mktemp("no_lines")) as to:
        shop = Shop(to)
        for night in (FIRST, SECOND):
            shop.order(f"on {night}", "c1", night, 10, night)
            shop.tell(night)
            shop.build(night, models=[*MODELS, "customer_replenishment"])
        with connect() as session:
            kept = [name for name in TABLES if name != "intermediate.int_customer_categories"]
            found = {name: table(session, name) for name in kept}
            she = session.execute("select * from marts.customer_replenishment").fetchall()
    assert [row[1:3] for row in found.pop("intermediate.int_next_categories")] == [(0, None)]
    assert not any(found.values())
    assert [(row["order_days"], row["last_ordered_on"]) for row in she] == [(2, SECOND)]
