"""WooCommerce: what others get wrong, told by its twin. Issues are its own and of tools where people lost data."""

from datetime import timedelta
from decimal import Decimal

import pytest
from examples.shop import NIGHT, Example
from shop_twins.woocommerce_twin import SECRET, stamp

from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.sources import api, woocommerce


@pytest.fixture
def shop(example_of) -> Example:
    return example_of("woocommerce")


def customers(found) -> dict[str, dict]:
    return {row["customer_id"]: row for row in found.rows["customers"]}


# what is an order


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("processing", "placed"),
        ("on-hold", "placed"),
        ("completed", "placed"),
        ("refunded", "placed"),
        ("shipped-by-a-plugin", "placed"),
        ("cancelled", "cancelled"),
        ("pending", None),
        ("failed", None),
        ("checkout-draft", None),
        ("trash", None),
    ],
)
def test_a_status_is_a_sale_or_none(shop, status, meant):
    shop.twin.orders[12] |= {"status": status, "date_modified_gmt": stamp(shop.days_ago(19))}
    found = shop.read().orders.get("12")
    assert (found and found["status"]) == meant
    if status == "cancelled":
        assert found["cancelled_at"] == f"{stamp(shop.days_ago(19))}+00:00"


def test_what_was_cancelled_before_anybody_paid_was_no_order(shop):
    shop.twin.orders[12] |= {"status": "cancelled", "date_paid_gmt": None}
    found = shop.read()
    assert set(found.orders) == {"11"}
    assert "1 orders that nobody paid for left out" in found.notes["orders"]


@pytest.mark.parametrize("status", ["failed", "pending", "trash"])
def test_a_sale_that_turns_out_to_be_none_is_cancelled(shop, status):
    """Also what is deleted comes: a trashed order is one that changed (compare airbyte 10281: no deletes)."""
    positions = shop.read().positions
    shop.twin.orders[12] |= {"status": status, "date_modified_gmt": stamp(shop.days_ago(0.5))}
    found = shop.read(positions, overlap_days=3).orders
    assert found["12"]["status"] == "cancelled"


def test_a_failed_checkout_of_today_stays_no_order_however_often_it_is_read(shop):
    positions = shop.read().positions
    shop.twin.add_order(13, 1, shop.days_ago(1), "5.00", status="failed", date_paid_gmt=None)
    shop.twin.add_order(14, 1, shop.days_ago(0.9), "5.00")
    first = shop.read(positions, overlap_days=3)
    assert set(first.orders) == {"12", "14"}
    shop.twin.add_order(15, 1, shop.days_ago(0.1), "5.00")
    second = shop.read(first.positions, overlap_days=3)
    assert set(second.orders) == {"14", "15"}


def test_other_statuses_can_be_no_orders(shop):
    shop.twin.orders[12]["status"] = "quote"
    assert set(shop.read(no_orders=["quote", "pending"]).orders) == {"11"}


# refunds


def test_a_refund_comes_although_its_order_does_not_change(shop):
    """woocommerce 28969, woocommerce-paypal-payments 1125: date_modified stays; airbyte 7577: refunds are missing."""
    positions = shop.read().positions
    before = dict(shop.twin.orders[11])
    shop.twin.add_refund(950, 11, shop.days_ago(0.5), "12.50")
    assert shop.twin.orders[11] == before
    (refund,) = [row for row in shop.read(positions).rows["refunds"] if row["refund_id"] == "950"]
    assert refund == {
        "refund_id": "950",
        "order_id": "11",
        "refunded_at": f"{stamp(shop.days_ago(0.5))}+00:00",
        "amount": "12.50",
        "currency": "USD",
    }


def test_refunds_are_read_with_few_calls(shop):
    """airbyte 10595: 58,326 calls for 78 rows."""
    for number in range(100, 350):
        shop.twin.add_order(number, 1, shop.days_ago(10), "9.00")
        shop.twin.add_refund(1000 + number, number, shop.days_ago(9), "1.00")
    found = shop.read(entities=["refunds"])
    assert len(found.rows["refunds"]) == 251
    assert len(shop.twin.calls) < 12


def test_partial_and_over_refunds_are_kept_as_they_are(shop):
    shop.twin.add_refund(902, 11, shop.days_ago(5), "90.00")
    found = shop.read()
    assert [Decimal(row["amount"]) for row in found.rows["refunds"]] == [30, 90]
    assert Decimal(found.orders["11"]["amount"]) == 100


def test_an_old_version_that_lists_no_refunds_is_named(shop):
    shop.twin.version = 8
    with pytest.raises(ConfigError, match=r"source 'it'.*9\.0.*leave refunds out"):
        shop.read(entities=["refunds"])


def test_refunds_of_orders_that_are_gone_are_noted(shop):
    shop.twin.orders.pop(11)
    found = shop.read()
    assert found.rows["refunds"] == []
    assert found.notes["refunds"] == ["1 refunds of orders that are no more left out"]


# what is read when


def test_a_second_with_more_rows_than_a_page_is_read_to_its_end(shop):
    """An import or a bulk edit gives thousands of orders the same time."""
    for number in range(100, 450):
        shop.twin.add_order(number, 1, shop.days_ago(5), "1.00")
    shop.twin.add_order(500, 1, shop.days_ago(4), "1.00")
    rows = shop.read(entities=["orders"]).rows["orders"]
    assert len(rows) == len({row["order_id"] for row in rows}) == 353


def test_nothing_is_lost_while_the_shop_goes_on(shop):
    for number in range(100, 420):
        shop.twin.add_order(number, 1, shop.days_ago(9) + timedelta(minutes=number), "1.00")
    asked = iter(range(10_000))

    def goes_on(request):
        for number in range(100 + 40 * next(asked), 420)[:9]:
            if number % 2:
                shop.twin.orders.pop(number, None)
            else:
                shop.twin.orders[number]["date_modified_gmt"] = stamp(shop.now)

    shop.twin.before_each = goes_on
    found = shop.read(entities=["orders"])
    assert {str(number) for number in shop.twin.orders} <= set(found.orders)


def test_pages_that_are_shorter_than_asked_for_are_not_the_last(shop):
    """What a key may not read is left out of a page after it was counted."""
    for number in range(100, 300):
        shop.twin.add_order(number, 1, shop.days_ago(9) + timedelta(minutes=number), "1.00")
    shop.twin.per_page = 93
    assert len(shop.read(entities=["orders"]).orders) > 180


def test_a_cache_between_does_not_keep_us_for_ever(shop):
    for number in range(100, 350):
        shop.twin.add_order(number, 1, shop.days_ago(5), "1.00")
    answer, kept = shop.twin.answer, []

    def cached(request):
        kept.append(answer(request))
        return kept[0]

    shop.twin.answer = cached
    with pytest.raises(RetriableError, match="Is a cache between"):
        shop.read(entities=["orders"])


def test_a_row_that_was_committed_late_comes_the_next_night(shop):
    """dlt 2269: an older time than the newest one known."""
    positions = shop.read().positions
    shop.twin.add_order(14, 1, shop.days_ago(21), "3.00")
    assert "14" not in shop.read(positions).orders
    assert "14" in shop.read(positions, overlap_days=3).orders


def test_the_position_is_the_newest_change_and_nothing_that_grows(shop):
    """dlt 970, 4131."""
    for number in range(100, 250):
        shop.twin.add_order(number, 1, shop.days_ago(5), "1.00")
    positions = shop.read().positions
    assert positions["orders"] == {"newest": f"{stamp(shop.days_ago(5))}+00:00"}
    assert set(positions["customers"]) == {"newest", "all_on"}


def test_times_are_read_as_gmt_whatever_the_site_shows(shop):
    """umbraco 778, woocommerce 12594: a site's zone taken for UTC moves orders over midnight."""
    assert shop.read().orders["11"]["ordered_at"] == f"{stamp(shop.days_ago(40))}+00:00"


def test_amounts_keep_their_own_currency_and_all_their_decimals(shop):
    """wp-calypso 23281, woocommerce-payments 4282."""
    shop.twin.orders[11] |= {"currency": "KWD", "total": "12.3456"}
    found = shop.read()
    assert (found.orders["11"]["amount"], found.orders["11"]["currency"]) == ("12.3456", "KWD")
    assert found.rows["refunds"][0]["currency"] == "KWD"
    assert found.orders["12"]["currency"] == "USD"


# people


def test_a_guest_is_one_customer_however_often_she_orders(shop):
    """dbt_shopify 37: a new id with every guest order."""
    for number, email in ((21, "Guest@Example.com"), (22, "guest@example.com "), (23, "other@example.com")):
        billing = {"email": email, "country": "FR", "phone": "+33123456789"}
        shop.twin.add_order(number, 0, shop.days_ago(3), "5.00", billing=billing)
    found = shop.read()
    key = api.email_key("guest@example.com")
    assert found.orders["21"]["customer_id"] == found.orders["22"]["customer_id"] == key
    assert customers(found)[key]["country"] == "FR"
    assert set(customers(found)) == {"1", "2", key, api.email_key("other@example.com")}


def test_a_guest_is_told_of_once_a_night_with_her_first_day_and_her_newest_number(shop):
    positions = shop.read().positions
    for number, days in ((21, 4), (22, 3)):
        billing = {"email": "guest@example.com", "country": "FR", "phone": str(number)}
        shop.twin.add_order(number, 0, shop.days_ago(days), "5.00", billing=billing)
    (guest,) = [row for row in shop.read(positions).rows["customers"] if row["email"] == "guest@example.com"]
    assert (guest["phone"], guest["registered_at"]) == ("22", f"{stamp(shop.days_ago(4))}+00:00")


def test_a_guest_without_an_address_is_for_the_contract_to_reject(shop):
    shop.twin.add_order(21, 0, shop.days_ago(3), "5.00", billing={"email": ""})
    assert shop.read().orders["21"]["customer_id"] is None


def test_accounts_are_all_read_every_so_many_days_and_new_ones_nightly(shop):
    positions = shop.read().positions
    assert positions["customers"]["all_on"] == str(NIGHT)
    shop.twin.customers[1]["email"] = "new@example.com"
    shop.twin.add_customer(3, shop.days_ago(0.1))
    next_night = shop.read(positions, as_of=NIGHT + timedelta(6))
    assert set(customers(next_night)) == {"3"}
    assert next_night.positions["customers"]["all_on"] == str(NIGHT)
    a_week_later = shop.read(positions, as_of=NIGHT + timedelta(7))
    assert customers(a_week_later)["1"]["email"] == "new@example.com"
    assert a_week_later.positions["customers"]["all_on"] == str(NIGHT + timedelta(7))


def test_no_account_is_skipped_when_others_are_deleted_meanwhile(shop):
    for number in range(10, 330):
        shop.twin.add_customer(number, shop.days_ago(60))
    asked = iter(range(10_000))

    def goes_on(request):
        for number in range(10 + 30 * next(asked), 330)[:15]:
            shop.twin.customers.pop(number, None)

    shop.twin.before_each = goes_on
    found = shop.read(entities=["customers"])
    assert {str(number) for number in shop.twin.customers} <= set(customers(found))


def test_staff_and_subscribers_are_accounts_too(shop):
    shop.twin.customers[2]["role"] = "subscriber"
    assert set(customers(shop.read())) == {"1", "2"}


def test_lines_know_the_category_of_their_product_as_long_as_there_is_one(shop):
    line = {"id": 991, "product_id": 77, "quantity": 2, "total": "10.00", "total_tax": "1.90"}
    shop.twin.add_order(13, 1, shop.days_ago(3), "11.90", line_items=[line, line | {"id": 992, "product_id": 0}])
    found = {row["line_no"]: row for row in shop.read().rows["order_lines"]}
    assert (found["110"]["product_id"], found["110"]["category"]) == ("9", "Tea")
    assert (found["991"]["product_id"], found["991"]["category"], found["991"]["amount"]) == ("77", None, "11.90")
    assert (found["992"]["product_id"], found["992"]["category"]) == (None, None)
    assert shop.twin.count("/products") == 2, "each product is looked up once"


def test_rows_are_handed_on_before_all_are_there(shop, monkeypatch):
    monkeypatch.setattr(api, "ROWS_PER_TABLE", 50)
    for number in range(100, 700):
        shop.twin.add_order(number, 1, shop.days_ago(9) + timedelta(minutes=number), "1.00")
    ((_, extracted),) = woocommerce.open("it", shop.settings(entities=["orders"]), shop.connection(), {}, NIGHT)
    next(iter(extracted.tables))
    assert len(shop.twin.calls) == 1


# errors


def test_half_a_key_is_named(shop):
    with pytest.raises(ConfigError, match="has no login"):
        shop.read(connection=Connection("http", host=shop.twin.url, password=SECRET))
    with pytest.raises(ConfigError, match="has no host"):
        shop.read(connection=Connection("http", login="ck_1", password=SECRET))


def test_a_key_never_travels_in_the_clear(shop):
    with pytest.raises(ConfigError, match="in the clear"):
        shop.read(connection=Connection("http", host="http://shop.example", login="ck_1", password=SECRET))
