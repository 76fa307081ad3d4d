"""Shopify: what was sold, taken back, given back. Issues are of the tools that summed it up wrongly."""

import pytest
from examples.shop import Example
from shop_twins.shopify_twin import money, stamp


@pytest.fixture
def shop(example_of) -> Example:
    return example_of("shopify")


def order_of(shop, number: int) -> dict:
    return shop.twin.orders[f"gid://shopify/Order/{number}"]


def test_a_refund_counts_on_its_own_day_and_the_order_on_its_own(shop):
    """dbt_shopify booked refunds on the order's day until 1.6."""
    found = shop.read()
    assert found.rows["refunds"][0]["refunded_at"] == stamp(shop.days_ago(39))
    assert found.orders["11"]["ordered_at"] == stamp(shop.days_ago(40))
    assert found.amounts["11"] == "100.00", "what was sold is not lessened by what was given back later"


def test_an_imported_order_counts_on_the_day_it_was_processed(shop):
    """dbt_shopify uses created."""
    order_of(shop, 11)["processedAt"] = stamp(shop.days_ago(400))
    assert shop.read().orders["11"]["ordered_at"] == stamp(shop.days_ago(400))


def test_cancelled_orders_are_cancelled_and_test_orders_none(shop):
    """dbt_shopify counts cancelled ones into a customer's lifetime."""
    order_of(shop, 12).update(cancelledAt=stamp(shop.days_ago(19)), currentTotalPriceSet=money("0.0"))
    shop.twin.add_order(13, 1, shop.days_ago(3), "99.00", test=True)
    shop.refund(903, 13, 2, "1.00")
    found = shop.read()
    assert found.orders["12"]["status"] == "cancelled"
    assert found.orders["12"]["cancelled_at"] == stamp(shop.days_ago(19))
    assert found.amounts == {"11": "100.00", "12": "50.00"}
    assert {row["order_id"] for row in found.rows["order_lines"]} == {"11", "12"}
    assert {row["refund_id"] for row in found.rows["refunds"]} == {"901"}
    assert "1 test orders left out" in found.notes["orders"]
    again = shop.read({e: {"newest": shop.days_ago(4).isoformat()} for e in found.rows})
    assert (again.rows["orders"], again.rows["order_lines"], again.rows["refunds"]) == ([], [], [])


def test_split_tenders_and_over_refunds_are_counted_once(shop):
    """dbt_shopify joins an order with `sale` and `capture` twice, so refunds double."""
    shop.refund(902, 11, 10, "90.00")
    order_of(shop, 11).update(totalRefundedSet=money("120.00"), currentTotalPriceSet=money("0.0"))
    found = shop.read()
    assert found.amounts["11"] == "100.00"
    assert [row["amount"] for row in found.rows["refunds"]] == ["30.00", "90.00"]


def test_what_was_taken_off_before_it_was_paid_was_never_sold(shop):
    order_of(shop, 12).update(currentTotalPriceSet=money("35.00"), totalReceivedSet=money("35.00"))
    shop.twin.add_order(13, 1, shop.days_ago(3), "80.00", currentTotalPriceSet=money("60.00"))
    shop.refund(902, 13, 2, "20.00")
    assert shop.read().amounts == {"11": "100.00", "12": "35.00", "13": "80.00"}


def test_what_was_paid_for_stays_sold_although_goods_are_taken_off(shop):
    """Restocked, settled elsewhere, or a refund that is still on its way: the money was received."""
    order_of(shop, 12).update(currentTotalPriceSet=money("0.0"), totalReceivedSet=money("50.00"))
    shop.twin.add_order(
        13, 1, shop.days_ago(3), "80.00", currentTotalPriceSet=money("0.0"), totalReceivedSet=money("0.0")
    )
    assert shop.read().amounts == {"11": "100.00", "12": "50.00", "13": "0.0"}


def test_discount_codes_are_taken_off_the_lines(shop):
    for line in order_of(shop, 12)["lineItems"]:
        line["discountedTotalSet"] = lambda given: money("80.00" if "withCodeDiscounts" in given else "100.00")
    first = shop.read(entities=["order_lines"])
    again = shop.read({"order_lines": {"newest": shop.days_ago(21).isoformat()}}, entities=["order_lines"])
    for found in (first, again):
        assert [row["amount"] for row in found.rows["order_lines"] if row["order_id"] == "12"] == ["80.00"]


def test_goods_that_come_back_without_money_are_no_refund(shop):
    shop.refund(902, 12, 10, "0.0")
    assert {row["refund_id"] for row in shop.read().rows["refunds"]} == {"901"}


@pytest.mark.parametrize(("setting", "sold"), [("shop", ("100.00", "USD")), ("presentment", ("92.10", "EUR"))])
def test_an_amount_is_never_summed_as_if_it_were_another_currency(shop, setting, sold):
    """wp-calypso 23281, woocommerce-payments 4282, Sylius 2526, dbt_shopify 52."""
    order = order_of(shop, 11)
    for name in ("totalPriceSet", "currentTotalPriceSet"):
        order[name] = money("100.00", "92.10", "EUR")
    order["refunds"][0]["totalRefundedSet"] = money("30.00", "27.00", "EUR")
    found = shop.read(money=setting)
    assert (found.amounts["11"], found.orders["11"]["currency"]) == sold
    assert found.rows["refunds"][0]["currency"] == sold[1]
