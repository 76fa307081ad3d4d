"""The weekly sweep of shops with an API: what shows although nobody tells of it, and what only looks gone."""

from datetime import timedelta

import pytest
from examples.nights import SUNDAY, night
from examples.shop import NIGHT
from shop_twins.woocommerce_twin import stamp

from perennial import swept
from perennial.config.sources import Sources
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NEXT = SUNDAY + timedelta(7)


@pytest.fixture
def missing(rows):
    """Ids that a sweep found gone or unseen: (entity, finding, key)."""

    def found(as_of=SUNDAY) -> set[tuple[str, str, str]]:
        asked = "select entity, finding, array_to_string(key, '/') as key from ops.swept_rows where as_of = %s"
        return {tuple(row.values()) for row in rows(asked, as_of)}

    return found


@pytest.fixture
def shopify(example_of, warehouse):
    return example_of("shopify")


@pytest.fixture
def woo(example_of, warehouse):
    return example_of("woocommerce")


@pytest.fixture
def stripe(example_of, warehouse):
    return example_of("stripe")


def test_only_392_of_8000_orders_arrive_and_the_sweep_tells_and_stops_the_night(woo, missing):
    """airbyte 58668: whatever hid them, orders that the cursor has passed show, and many of them stop the night."""
    hidden = woo.twin.orders.pop(11)
    night(woo)
    woo.twin.orders[11] = hidden
    night(woo, SUNDAY)
    assert missing() == {("orders", "unseen", "11"), ("order_lines", "unseen", "11/110")}
    sources = Sources.model_construct(business=None, sources={"it": woo.settings()})
    with connect() as session:
        stops = swept.told(session, SUNDAY, sources)
    assert len(stops) == 2
    assert "orders, sweep of 2026-01-11: 1 of its 2 rows never came here: raise `overlap_days` for a night" in stops[1]


def test_orders_that_shopify_hides_for_their_age_are_not_gone(shopify, missing, rows):
    twin = shopify.twin
    old = shopify.days_ago(80)
    twin.add_order(10, 1, old, "9.00", lines=2)
    shopify.refund(900, 10, 79, "1.00")
    night(shopify)
    twin.scopes.remove("read_all_orders")
    night(shopify, SUNDAY, only_last_60_days=True)
    assert missing() == set()
    counts = {row["entity"]: row["known_rows"] for row in rows("select entity, known_rows from ops.sweeps")}
    assert counts == {"customers": 2, "orders": 2, "order_lines": 3, "refunds": 1}, "what it hides is not expected"
    del twin.orders["gid://shopify/Order/12"]
    night(shopify, NEXT, only_last_60_days=True)
    assert missing(NEXT) == {("orders", "gone", "12"), ("order_lines", "gone", "12/12001")}


def test_of_shopify_a_bulk_operation_asks_for_ids_and_test_orders_are_nothing_unseen(shopify, missing):
    shopify.twin.add_order(15, 1, shopify.days_ago(3), "9.00", test=True)
    night(shopify)
    before = len(shopify.twin.operations)
    night(shopify, SUNDAY)
    assert missing() == set()
    asked = [operation["query"] for operation in [*shopify.twin.operations.values()][before:]]
    assert len(asked) == 4
    assert not any(field in query for query in asked for field in ("email", "phone", "Price", "discounted"))


def test_a_woocommerce_order_in_the_trash_is_there_and_one_that_nobody_paid_for_is_nothing_unseen(woo, missing):
    woo.twin.add_order(14, 0, woo.days_ago(2), "9.00", status="pending", date_paid_gmt=None)
    woo.twin.add_order(15, 0, woo.days_ago(2), "9.00", status="trash")
    woo.twin.add_order(16, 0, woo.days_ago(2), "9.00", status="cancelled", date_paid_gmt=None)
    woo.twin.add_refund(907, 15, woo.days_ago(1), "9.00")
    night(woo)
    woo.twin.orders[12] |= {"status": "trash", "date_modified_gmt": stamp(woo.days_ago(0.1))}
    night(woo, SUNDAY)
    assert missing() == set()


def test_a_line_that_was_taken_out_of_a_woocommerce_order_and_a_guest_without_orders_are_gone(woo, missing):
    woo.twin.add_order(17, 0, woo.days_ago(2), "9.00", billing={"email": "guest@example.com"})
    night(woo)
    woo.twin.orders[11]["line_items"] = []
    del woo.twin.orders[17]
    night(woo, SUNDAY)
    guest = next(key for entity, _, key in missing() if entity == "customers")
    assert guest.startswith("email:")
    lines = {("order_lines", "gone", "11/110"), ("order_lines", "gone", "17/170")}
    assert missing() == {("customers", "gone", guest), ("orders", "gone", "17"), *lines}


def test_woocommerce_orders_that_change_while_their_ids_are_read_are_neither(woo, missing):
    for number in range(100, 340):
        woo.twin.add_order(number, 1, woo.days_ago(9) + timedelta(minutes=number), "1.00")
    night(woo)
    asked = iter(range(10_000))

    def goes_on(request):
        order = woo.twin.orders.get(100 + 7 * next(asked))
        if order:
            order["date_modified_gmt"] = stamp(woo.now)

    woo.twin.before_each = goes_on
    night(woo, SUNDAY)
    assert missing() == set()


def test_a_stripe_refund_that_failed_and_a_hold_that_was_let_go_are_neither_gone_nor_unseen(stripe, missing):
    night(stripe)
    stripe.change()  # a capture lets go of the rest
    refund = next(r for r in stripe.twin.objects["refunds"] if r["id"] == "re_901")
    stripe.twin.happens("refund.failed", refund | {"status": "failed"}, stripe.days_ago(0.1))
    refund["status"] = "failed"
    stripe.refund(903, 14, 1, 100, status="failed")
    night(stripe, NIGHT + timedelta(1))
    night(stripe, SUNDAY)
    assert missing() == set()


def test_of_stripe_subscriptions_nothing_is_swept_since_they_tell_of_the_present_only(stripe, missing, rows):
    night(stripe)
    period = stripe.subscription["current_period_end"]
    stripe.subscription |= {"current_period_start": period, "current_period_end": period + 86400}
    night(stripe, SUNDAY)
    assert missing() == set()
    assert {row["entity"] for row in rows("select entity from ops.sweeps")} == {
        "customers",
        "orders",
        "order_lines",
        "refunds",
    }
