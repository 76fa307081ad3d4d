"""Shopify: what others get wrong, told by its twin. Issues are of the tools where people lost data."""

from dataclasses import replace
from datetime import timedelta

import pytest
from examples.shop import Example
from shop_twins.shopify_twin import stamp

from http_twin import CUT, Answer
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.sources import api, shopify


@pytest.fixture
def shop(example_of) -> Example:
    return example_of("shopify")


def order_of(shop, number: int) -> dict:
    return shop.twin.orders[f"gid://shopify/Order/{number}"]


# the 60 days


def test_only_392_of_8000_orders_arrive_is_an_error_and_not_a_success(shop):
    """airbyte 58668: without read_all_orders only 60 days of orders come, and nobody is told."""
    shop.twin.add_order(10, 1, shop.days_ago(80), "9.00")
    shop.twin.scopes.remove("read_all_orders")
    with pytest.raises(ConfigError, match=r"source 'it'.*read_all_orders.*60 days.*only_last_60_days: true"):
        shop.read()


def test_sixty_days_can_be_accepted_and_are_noted_every_night(shop):
    shop.twin.add_order(10, 1, shop.days_ago(80), "9.00")
    shop.twin.scopes.remove("read_all_orders")
    found = shop.read(only_last_60_days=True)
    assert set(found.orders) == {"11", "12"}
    for entity in found.notes:
        assert any("older than 60 days stay unseen" in note for note in found.notes[entity])


def test_a_shop_younger_than_60_days_hides_nothing(shop):
    shop.twin.scopes.remove("read_all_orders")
    shop.twin.created = shop.days_ago(45)
    found = shop.read()
    assert set(found.orders) == {"11", "12"}
    assert "before the shop is 60 days old" in found.notes["orders"][0]


def test_the_right_may_be_lost_later_too(shop):
    positions = shop.read().positions
    shop.twin.scopes.remove("read_all_orders")
    with pytest.raises(ConfigError, match="read_all_orders"):
        shop.read(positions)


def test_only_the_rights_that_entities_need_are_asked_for(shop):
    shop.twin.scopes = ["read_customers"]
    assert set(shop.read(entities=["customers", "consents"]).rows) == {"customers", "consents"}
    with pytest.raises(ConfigError, match="lacks read_orders, read_products"):
        shop.read(entities=["order_lines"])


def test_a_right_to_write_is_one_to_read(shop):
    shop.twin.scopes = ["write_orders", "read_all_orders", "write_customers", "write_products"]
    assert set(shop.read().orders) == {"11", "12"}


def test_protected_customer_data_is_named_when_it_is_refused(shop):
    shop.twin.denied = "defaultEmailAddress"
    positions = {"customers": {"newest": shop.days_ago(100).isoformat()}}
    with pytest.raises(ConfigError, match=r"Access denied.*protected customer data"):
        shop.read(positions, entities=["customers"])


# what is read when


def test_refunds_are_not_missing_although_they_stand_in_the_order(shop):
    """airbyte 7577, 12898."""
    positions = shop.read().positions
    shop.refund(902, 11, 0.5, "12.50")
    (refund,) = shop.read(positions).rows["refunds"][-1:]
    assert (refund["order_id"], refund["amount"]) == ("11", "12.50")


def test_updates_come_although_the_id_stays_the_same(shop):
    """airbyte 28926: the id as cursor."""
    positions = shop.read().positions
    order_of(shop, 11).update(cancelledAt=stamp(shop.days_ago(0.5)), updatedAt=stamp(shop.days_ago(0.5)))
    assert shop.read(positions).orders["11"]["status"] == "cancelled"


def test_incremental_does_not_pull_everything_again(shop):
    """airbyte 39336."""
    for number in range(100, 400):
        shop.twin.add_order(number, 1, shop.days_ago(30), "1.00")
    positions = shop.read().positions
    shop.change()
    found = shop.read(positions, overlap_days=3)
    assert set(found.orders) == {"12", "13"}
    assert shop.twin.count("/bulk/") == 5, "one file per entity, of the first time"


def test_children_are_read_with_few_calls(shop):
    """airbyte 10595: 58,326 calls for 78 rows."""
    for number in range(100, 300):
        shop.twin.add_order(number, 1, shop.days_ago(10), "1.00", lines=3)
        shop.refund(5000 + number, number, 1, "0.10")
    positions = {entity: {"newest": shop.days_ago(5).isoformat()} for entity in shop.settings().entities}
    before = len(shop.twin.calls)
    found = shop.read(positions)
    assert (len(found.rows["refunds"]), len(found.rows["order_lines"])) == (200, 600)
    assert len(shop.twin.calls) - before < 40


def test_a_row_that_was_committed_late_comes_the_next_night(shop):
    """dlt 2269: an older time than the newest one known."""
    positions = shop.read().positions
    shop.twin.add_order(14, 1, shop.days_ago(21), "3.00")  # the newest known is 20 days old
    assert "14" not in shop.read(positions).orders
    assert "14" in shop.read(positions, overlap_days=3).orders


def test_the_position_is_the_newest_change_and_nothing_that_grows(shop):
    """dlt 970, 4131: a watermark that lags, a state that keeps every row of a second."""
    for number in range(100, 150):
        shop.twin.add_order(number, 1, shop.days_ago(5), "1.00")
    positions = shop.read().positions
    newest = max(order["updatedAt"] for order in shop.twin.orders.values())
    assert positions["orders"] == {"newest": newest.replace("Z", "+00:00")}


def test_nothing_is_lost_while_the_shop_goes_on(shop):
    """Rows that change while pages are read move to the end; rows that go do not take others with them."""
    for number in range(100, 340):
        shop.twin.add_order(number, 1, shop.days_ago(9) + timedelta(minutes=number), "1.00")
    asked = iter(range(10_000))

    def goes_on(request):
        number = 100 + 7 * next(asked)
        if number < 340 and number % 2:
            shop.twin.orders.pop(f"gid://shopify/Order/{number}", None)
        elif number < 340:
            order_of(shop, number)["updatedAt"] = stamp(shop.now)

    positions = {"orders": {"newest": shop.days_ago(10).isoformat()}}
    shop.twin.before_each = goes_on
    found = shop.read(positions, entities=["orders"])
    assert {number.rpartition("/")[2] for number in shop.twin.orders} - {"11", "12"} <= set(found.orders)


def test_an_order_that_comes_in_between_is_met_with_its_lines_and_its_customer(shop):
    """The children are read first: tonight no line and no refund is without its order."""
    positions = shop.read().positions

    def arrives(request):
        number = 500 + len(shop.twin.calls)
        shop.twin.add_customer(number, shop.now)
        shop.twin.add_order(number, number, shop.now, "5.00")
        shop.refund(9000 + number, number, 0, "1.00")

    shop.twin.before_each = arrives
    found = shop.read(positions)
    known = set(found.orders)
    assert {row["order_id"] for row in found.rows["order_lines"]} <= known
    assert {row["order_id"] for row in found.rows["refunds"]} <= known
    assert {o["customer_id"] for o in found.orders.values()} <= {c["customer_id"] for c in found.rows["customers"]}


# costs


def test_a_bucket_of_points_is_never_overdrawn_twice(shop, time):
    for number in range(100, 1600):
        shop.twin.add_order(number, 1, shop.days_ago(1), "1.00")
    positions = {"orders": {"newest": shop.days_ago(5).isoformat()}}
    found = shop.read(positions, entities=["orders"])
    assert len(found.rows["orders"]) == 1500
    assert shop.twin.throttled == 0, "it waits before it is told to"
    assert time.now > 50


def test_throttling_is_waited_out_as_long_as_the_bucket_needs(shop, time):
    shop.twin.points = 30
    positions = {"orders": {"newest": shop.days_ago(30).isoformat()}}
    assert set(shop.read(positions, entities=["orders"]).orders) == {"12"}
    assert shop.twin.throttled == 1
    assert 1 < time.now < 12


def test_a_page_that_costs_too_much_is_halved(shop, monkeypatch):
    big = replace(shopify.LISTINGS["orders"], size=250)
    monkeypatch.setitem(shopify.LISTINGS, "orders", big)
    for number in range(100, 300):
        shop.twin.add_order(number, 1, shop.days_ago(1), "1.00")
    found = shop.read({"orders": {"newest": shop.days_ago(5).isoformat()}}, entities=["orders"])
    assert len(found.rows["orders"]) == 200


def test_orders_with_many_lines_have_all_of_them(shop):
    shop.twin.add_order(20, 1, shop.days_ago(1), "1.00", lines=250)
    first = shop.read(entities=["order_lines"])
    again = shop.read({"order_lines": {"newest": shop.days_ago(5).isoformat()}}, entities=["order_lines"])
    assert len(again.rows["order_lines"]) == 250
    assert [row for row in first.rows["order_lines"] if row["order_id"] == "20"] == again.rows["order_lines"]


# bulk operations


def test_an_earlier_bulk_operation_is_waited_for(shop):
    shop.twin.one_at_a_time = True
    shop.twin.operations["x"] = {"id": "x", "status": "RUNNING", "query": "", "polls": 3}
    assert set(shop.read().orders) == {"11", "12"}


def test_as_many_bulk_operations_as_may_be_are_waited_for(shop):
    shop.twin.limit_reached = 3
    assert set(shop.read().orders) == {"11", "12"}


def test_lines_of_test_orders_are_left_out_of_a_bulk_operation(shop):
    shop.twin.add_order(13, 1, shop.days_ago(3), "80.00", lines=2, test=True)
    assert {row["order_id"] for row in shop.read().rows["order_lines"]} == {"11", "12"}


def test_a_file_that_breaks_off_is_read_on_where_it_broke(shop):
    for number in range(100, 200):
        shop.twin.add_order(number, 1, shop.days_ago(30), "1.00")
    shop.twin.fail(CUT, "/bulk/", times=3)
    found = shop.read(entities=["orders"])
    assert len(found.rows["orders"]) == len(found.orders) == 102


def test_a_file_with_less_than_was_counted_is_no_success(shop):
    def loses(request):
        for path, content in shop.twin.files.items():
            shop.twin.files[path] = b"".join(content.splitlines(keepends=True)[:1])

    shop.twin.before_each = loses
    with pytest.raises(RetriableError, match="1 of 2 objects"):
        shop.read(entities=["orders"])


@pytest.mark.parametrize(("code", "error"), [("TIMEOUT", RetriableError), ("ACCESS_DENIED", ConfigError)])
def test_a_bulk_operation_that_fails_is_told(shop, code, error):
    shop.twin.fails_bulk = code
    with pytest.raises(error, match=f"source 'it'.*failed .{code}"):
        shop.read()


def test_an_empty_shop_has_no_file(shop):
    shop.twin.orders.clear()
    found = shop.read(entities=["orders"])
    assert found.rows == {"orders": []}
    assert found.positions == {"orders": {"newest": None}}


def test_rows_are_handed_on_before_all_are_there(shop, monkeypatch):
    monkeypatch.setattr(api, "ROWS_PER_TABLE", 50)
    for number in range(100, 700):
        shop.twin.add_order(number, 1, shop.days_ago(1), "1.00")
    positions = {"orders": {"newest": shop.days_ago(5).isoformat()}}
    ((_, extracted),) = shopify.open(
        "it", shop.settings(entities=["orders"]), shop.connection(), positions, shop.now.date()
    )
    next(iter(extracted.tables))
    assert len(shop.twin.calls) <= 3


# people


def test_an_order_without_a_customer_is_known_by_its_address_or_rejected_with_a_reason(shop):
    shop.twin.add_order(13, None, shop.days_ago(3), "5.00", email=" Ann@Example.com ")
    shop.twin.add_order(14, None, shop.days_ago(3), "5.00")
    found = shop.read().orders
    assert found["13"]["customer_id"] == api.email_key("ann@example.com")
    assert found["14"]["customer_id"] is None  # the contract puts it into quarantine


@pytest.mark.parametrize(
    ("state", "dated", "status"),
    [
        ("SUBSCRIBED", True, "granted"),
        ("SUBSCRIBED", False, "granted"),
        ("UNSUBSCRIBED", True, "denied"),
        ("UNSUBSCRIBED", False, "denied"),
        ("REDACTED", False, "denied"),
        ("PENDING", True, "denied"),
        ("NOT_SUBSCRIBED", True, "denied"),
        ("INVALID", True, "denied"),
        ("NOT_SUBSCRIBED", False, None),
        ("PENDING", False, None),
    ],
)
def test_only_a_subscription_is_a_consent(shop, state, dated, status):
    at = stamp(shop.days_ago(1)) if dated else None
    phone = {"phoneNumber": "+14135550101", "marketingState": state, "marketingUpdatedAt": at}
    shop.twin.add_customer(3, shop.days_ago(9), defaultPhoneNumber=phone)
    found = [row for row in shop.read(entities=["consents"]).rows["consents"] if row["customer_id"] == "3"]
    assert [(row["channel"], row["status"]) for row in found] == ([("sms", status)] if status else [])


# errors


def test_a_shop_or_version_that_is_not_there_is_named(shop):
    with pytest.raises(ConfigError, match="no version 2019-10 of its API"):
        shop.read(version="2019-10")


def test_a_locked_shop_is_told(shop):
    shop.twin.fail(Answer(402, {"errors": "Unavailable Shop"}), times=9)
    with pytest.raises(FatalError, match="402: Unavailable Shop"):
        shop.read()


@pytest.mark.parametrize(
    "wrong", [{"entities": ["events"]}, {"entities": []}, {"entities": {"orders": {}}}, {"entities": [{"orders": 1}]}]
)
def test_entities_that_it_does_not_deliver_are_refused(shop, wrong):
    with pytest.raises(ValueError, match="accepted: customers, orders, order_lines, refunds, consents"):
        shop.settings(**wrong)
