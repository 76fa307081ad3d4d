"""Stripe: payments counted once, changes found where lists cannot tell them, subscriptions as contracts."""

from datetime import UTC, datetime, timedelta

import pytest
from examples.shop import NIGHT, Example

from perennial.errors import ConfigError, RetriableError
from perennial.sources import api, stripe


@pytest.fixture
def account(example_of) -> Example:
    return example_of("stripe")


def events(found, kind: str) -> list[tuple[str, str | None]]:
    return [(r["event_id"], r["scheduled_for"]) for r in found.rows["events"] if r["event_type"] == kind]


def at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


# money is counted once


def test_a_payment_with_an_intent_an_invoice_and_a_charge_is_one_order(account):
    found = account.read()
    assert set(found.orders) == {"ch_11", "ch_14"}
    assert found.orders["ch_11"]["amount"] == "100.00"
    assert {row["order_id"] for row in found.rows["order_lines"]} == {"ch_11"}


def test_failed_attempts_and_holds_that_were_not_captured_are_no_orders(account):
    account.twin.add_charge(20, 1, account.days_ago(5), 900, status="failed", captured=False, amount_captured=0)
    found = account.read()
    assert set(found.orders) == {"ch_11", "ch_14"}
    assert found.notes["orders"] == ["2 payments that failed or were not captured left out"]


def test_a_hold_counts_by_what_was_captured_of_it(account):
    positions = account.read().positions
    account.change()
    assert account.read(positions).orders["ch_12"]["amount"] == "45.00"


def test_what_a_capture_lets_go_of_is_no_refund(account):
    """woocommerce-gateway-stripe 1073: until basil it has a refund of its own, and would be taken off twice."""
    positions = account.read().positions
    account.change()
    account.refund(960, 12, 0.1, 500)  # the same amount, but given back later
    account.twin.add_charge(21, 1, account.days_ago(0.1), 900, captured=False, amount_captured=0)
    account.refund(961, 21, 0.1, 900)  # a hold that was cancelled
    found = account.read(positions)
    assert {row["refund_id"] for row in found.rows["refunds"]} == {"re_901", "re_902", "re_960"}
    assert found.notes["refunds"] == ["2 refunds of what was held and not captured left out"]


def test_a_late_update_of_what_a_capture_let_go_of_is_no_refund_either(account):
    account.change()
    released = next(r for r in account.twin.objects["refunds"] if r["id"] == "re_950")
    account.twin.happens("refund.updated", released, account.days_ago(0.01))
    found = account.read({"refunds": {"newest": account.days_ago(0.1).isoformat()}}, entities=["refunds"])
    assert found.rows["refunds"] == []


def test_an_invoice_paid_outside_of_stripe_is_an_order_and_one_paid_with_credit_is_none(account):
    account.invoice(30, 2, 3, paid_out_of_band=True, amount_paid=2500)
    account.invoice(31, 2, 3, amount_paid=0)
    account.invoice(32, 2, 3, status="open", paid_out_of_band=True)
    found = account.read()
    assert set(found.orders) == {"ch_11", "ch_14", "in_30"}
    assert (found.orders["in_30"]["amount"], found.orders["in_30"]["customer_id"]) == ("25.00", "cus_2")
    assert {row["order_id"] for row in found.rows["order_lines"]} == {"ch_11", "in_30"}


def test_long_invoices_have_all_their_lines_less_their_discounts(account):
    line = {"amount": 1000, "currency": "usd", "quantity": 2, "price": {"product": "prod_1"}}
    discounted = line | {"discount_amounts": [{"amount": 250}]}
    lines = [discounted, *[line] * 129]
    account.invoice(33, 2, 3, charge="ch_14", all_lines=lines, lines={"data": lines[:10], "has_more": True})
    for number, made in enumerate(lines):
        lines[number] = made | {"id": f"il_{number}"}
    account.twin.objects["invoices"][-1]["all_lines"] = lines
    found = [row for row in account.read().rows["order_lines"] if row["order_id"] == "ch_14"]
    assert [int(row["line_no"]) for row in found] == list(range(1, 131))
    assert sum(float(row["amount"]) for row in found) == pytest.approx(130 * 10 - 2.5)


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(1000, "usd", "10.00"), (500, "jpy", "500"), (5124, "kwd", "5.124"), (500, "isk", "5.00"), (500, "ugx", "5.00")],
)
def test_smallest_units_are_of_their_currency(account, units, currency, amount):
    """Hundredths are not everywhere; compare wp-calypso 23281: currencies summed as if they were one."""
    account.twin.add_charge(20, 1, account.days_ago(5), units, currency=currency)
    found = account.read().orders["ch_20"]
    assert (found["amount"], found["currency"]) == (amount, currency.upper())


# money that goes back


def test_a_refund_counts_on_its_own_day_in_parts_and_beyond(account):
    account.refund(903, 11, 3, 9000)
    found = [row for row in account.read().rows["refunds"] if row["order_id"] == "ch_11"]
    assert sorted((row["refund_id"], row["amount"]) for row in found) == [("re_901", "30.00"), ("re_903", "90.00")]
    assert {row["refunded_at"] for row in found} == {account.days_ago(d).isoformat() for d in (12, 3)}


def test_a_refund_that_fails_in_the_end_is_one_of_nothing(account):
    positions = account.read().positions
    refund = account.twin.objects["refunds"][0]
    refund["status"] = "failed"
    account.twin.happens("refund.failed", refund, account.days_ago(0.5), status="pending")
    (found,) = account.read(positions).rows["refunds"]
    assert (found["refund_id"], found["amount"]) == ("re_901", "0")


def test_a_refund_that_never_worked_is_none(account):
    account.refund(904, 11, 1, 500, status="failed")
    assert {row["refund_id"] for row in account.read().rows["refunds"]} == {"re_901"}


def dispute(account, number: int, days: float, status: str) -> dict:
    withdrawn = {"created": int(account.days_ago(days - 1).timestamp()), "amount": -2000}
    fields = {"charge": "ch_14", "amount": 2000, "currency": "usd", "balance_transactions": [withdrawn]}
    return account.twin.add(
        "disputes", f"dp_{number}", account.days_ago(days), "charge.dispute.created", status=status, **fields
    )


def test_a_lost_dispute_is_a_refund_on_the_day_the_money_went(account):
    dispute(account, 1, 6, "lost")
    dispute(account, 2, 5, "won")
    dispute(account, 3, 4, "under_review")
    refunds = {row["refund_id"]: row for row in account.read().rows["refunds"]}
    assert set(refunds) == {"re_901", "dp_1"}
    assert refunds["dp_1"]["refunded_at"] == account.days_ago(5).isoformat()
    assert {r["refund_id"] for r in account.read(disputes="ignore").rows["refunds"]} == {"re_901"}


def test_a_dispute_that_is_lost_weeks_later_is_found(account):
    open_one = dispute(account, 1, 11, "under_review")
    positions = account.read().positions
    open_one["status"] = "lost"
    account.twin.happens("charge.dispute.closed", open_one, account.days_ago(0.3), status="under_review")
    assert "dp_1" in {row["refund_id"] for row in account.read(positions, overlap_days=1).rows["refunds"]}


# what is read when


def test_what_changed_is_found_although_lists_know_only_when_it_was_made(account):
    """airbyte 28926: updates never come."""
    positions = account.read().positions
    customer = account.twin.objects["customers"][0]
    customer["email"] = "new@example.com"
    account.twin.happens("customer.updated", customer, account.days_ago(0.4), email="c1@example.com")
    found = {row["customer_id"]: row["email"] for row in account.read(positions).rows["customers"]}
    assert found["cus_1"] == "new@example.com"


def test_incremental_does_not_pull_everything_again(account):
    """airbyte 39336."""
    for number in range(100, 400):
        account.twin.add_charge(number, 1, account.days_ago(20) + timedelta(minutes=number), 100)
    positions = account.read().positions
    before = len(account.twin.calls)
    account.change()
    found = account.read(positions, overlap_days=1, entities=["orders"])
    assert set(found.orders) == {"ch_12", "ch_13", "ch_14"}
    assert len(account.twin.calls) - before == 4, "charges, invoices, and the events of both"


def test_after_a_pause_longer_than_events_are_kept_everything_is_read_again(account):
    positions = {e: {"newest": account.days_ago(29).isoformat()} for e in account.settings().entities}
    account.twin.add_charge(5, 1, account.days_ago(80), 100)
    found = account.read(positions)
    assert "ch_5" in found.orders
    assert "everything is read" in found.notes["orders"][0]


@pytest.mark.parametrize(("newest", "overlap"), [(26, 3), (2, 30)])
def test_a_notice_is_taken_back_although_little_happened_since(account, newest, overlap):
    given = int(account.days_ago(26).timestamp())
    account.subscription["canceled_at"] = None
    account.twin.happens(
        "customer.subscription.updated", account.subscription, account.days_ago(0.2), canceled_at=given
    )
    positions = {"events": {"newest": account.days_ago(newest).isoformat()}}
    found = account.read(positions, entities=["events"], overlap_days=overlap)
    assert events(found, "notice") == [(f"sub_7:notice:{given}", None)]


def test_what_is_paid_between_two_lists_comes_the_next_night(account):
    """The list of charges is read, then somebody pays, then a later invoice is read: the position must not pass it."""

    def pays(request):
        if request.path == "/v1/invoices" and not account.twin.before_each_done:
            account.twin.before_each_done = True
            account.twin.add_charge(40, 1, account.now - timedelta(minutes=10), 900)
            account.invoice(41, 2, 5 / 24 / 60, paid_out_of_band=True)

    account.twin.before_each_done = False
    account.twin.before_each = pays
    first = account.read(entities=["orders"])
    second = account.read(first.positions, entities=["orders"])
    assert "ch_40" not in first.orders
    assert "ch_40" in second.orders


def test_nothing_is_lost_while_the_account_goes_on(account):
    for number in range(100, 450):
        account.twin.add_charge(number, 1, account.days_ago(9) + timedelta(minutes=number), 100)
    account.twin.before_each = lambda _: account.twin.add_charge(1000 + len(account.twin.calls), 1, account.now, 100)
    found = account.read(entities=["orders"])
    assert {f"ch_{number}" for number in range(100, 450)} <= set(found.orders)
    assert len(found.rows["orders"]) == len(found.orders)


def test_what_is_deleted_while_it_is_read_is_for_another_attempt(account):
    for number in range(100, 350):
        account.twin.add_customer(number, account.days_ago(9) + timedelta(minutes=number))

    def deletes(request):
        if after := request.query.get("starting_after"):
            customers = account.twin.objects["customers"]
            account.twin.objects["customers"] = [c for c in customers if c["id"] != after]

    account.twin.before_each = deletes
    with pytest.raises(RetriableError, match="deleted while it was read"):
        account.read(entities=["customers"])


def test_the_position_is_the_newest_change_and_nothing_that_grows(account):
    """dlt 970, 4131."""
    for number in range(100, 150):
        account.twin.add_charge(number, 1, account.days_ago(5), 100)
    assert account.read().positions["orders"] == {"newest": account.days_ago(5).isoformat()}


def test_a_row_that_was_committed_late_comes_the_next_night(account):
    """dlt 2269."""
    positions = account.read().positions
    account.twin.add_charge(15, 1, account.days_ago(12.5), 100)
    assert "ch_15" not in account.read(positions).orders
    assert "ch_15" in account.read(positions, overlap_days=1).orders


def test_rows_are_handed_on_before_all_are_there(account, monkeypatch):
    monkeypatch.setattr(api, "ROWS_PER_TABLE", 50)
    for number in range(100, 700):
        account.twin.add_charge(number, 1, account.days_ago(9) + timedelta(minutes=number), 100)
    ((_, extracted),) = stripe.open("it", account.settings(entities=["orders"]), account.connection(), {}, NIGHT)
    next(iter(extracted.tables))
    assert len(account.twin.calls) == 1


# people


def test_who_pays_as_a_guest_is_one_customer(account):
    """dbt_shopify 37."""
    for number, email in ((20, "Guest@example.com"), (21, "guest@example.com")):
        billing = {"email": email, "phone": "+14135550101", "address": {"country": "FR"}}
        account.twin.add_charge(number, None, account.days_ago(4), 100, billing_details=billing)
    account.twin.add_charge(22, None, account.days_ago(4), 100, receipt_email="r@example.com")
    account.twin.add_charge(23, None, account.days_ago(4), 100)
    account.twin.add_charge(24, 1, account.days_ago(4), 100, receipt_email="c1@example.com")  # no guest
    found = account.read()
    key = api.email_key("guest@example.com")
    assert found.orders["ch_20"]["customer_id"] == found.orders["ch_21"]["customer_id"] == key
    assert found.orders["ch_22"]["customer_id"] == api.email_key("r@example.com")
    assert found.orders["ch_23"]["customer_id"] is None  # the contract puts it into quarantine
    assert {row["customer_id"] for row in found.rows["customers"]} == {
        "cus_1",
        "cus_2",
        key,
        api.email_key("r@example.com"),
    }


def test_a_guest_is_told_of_once_a_night_with_her_first_day_and_her_newest_number(account):
    positions = account.read().positions
    for number, days in ((20, 4), (21, 3), (22, 2)):
        billing = {"email": "guest@example.com", "phone": f"+1413555010{number}", "address": {}}
        account.twin.add_charge(number, None, account.days_ago(days), 100, billing_details=billing)
    (guest,) = [row for row in account.read(positions).rows["customers"] if row["email"] == "guest@example.com"]
    assert (guest["phone"], guest["registered_at"]) == ("+141355501022", account.days_ago(4).isoformat())
    everything = [row for row in account.read().rows["customers"] if row["email"] == "guest@example.com"]
    assert max(everything, key=lambda row: row["changed_at"])["phone"] == "+141355501022"


# contracts


def test_a_subscription_is_a_contract_until_the_end_of_its_period(account):
    period = account.subscription
    begun = [(f"sub_7:contract:{period['start_date']}", at(period["current_period_end"]))]
    found = account.read()
    assert events(found, "contract") == begun
    assert events(found, "notice") == events(found, "termination") == []
    assert account.settings().entities["events"].columns["event_type"].values.keys() == {
        "contract",
        "notice",
        "termination",
    }


def test_a_renewal_is_a_new_contract_event(account):
    positions = account.read().positions
    subscription, start = account.subscription, account.subscription["start_date"]
    renewed, due = int(account.days_ago(0.3).timestamp()), int((account.now + timedelta(30)).timestamp())
    subscription |= {"current_period_start": renewed, "current_period_end": due}
    account.twin.happens("customer.subscription.updated", subscription, account.days_ago(0.3), current_period_start=1)
    expected = [(f"sub_7:contract:{start}", None), (f"sub_7:contract:{renewed}", at(due))]
    assert events(account.read(positions), "contract") == expected


def test_who_cancels_gives_notice_and_is_gone_in_the_end(account):
    positions = account.read().positions
    account.change()
    subscription = account.subscription
    (given,) = events(account.read(positions), "notice")
    assert given == (f"sub_7:notice:{subscription['canceled_at']}", at(subscription["current_period_end"]))
    ended = int(account.days_ago(0.05).timestamp())
    subscription |= {"status": "canceled", "ended_at": ended}
    account.twin.happens("customer.subscription.deleted", subscription, account.days_ago(0.05))
    found = account.read(positions)
    assert events(found, "termination") == [(f"sub_7:termination:{ended}", None)]
    assert events(found, "contract")[0][1] == at(ended), "it does not run on to the end of the period"


def test_who_stays_after_all_takes_the_notice_back(account):
    account.change()
    positions = account.read().positions
    given = account.subscription["canceled_at"]
    account.subscription |= {"cancel_at_period_end": False, "canceled_at": None}
    before = {"cancel_at_period_end": True, "canceled_at": given}
    account.twin.happens("customer.subscription.updated", account.subscription, account.days_ago(0.05), **before)
    assert events(account.read(positions), "notice") == [(f"sub_7:notice:{given}", None)]


def test_a_subscription_whose_first_payment_never_came_is_no_contract(account):
    account.twin.add_subscription(8, 2, account.days_ago(3), status="incomplete_expired")
    assert {row["customer_id"] for row in account.read().rows["events"]} == {"cus_1"}


# test and live


def test_a_test_account_is_never_taken_for_a_live_one(account):
    account.twin.key = "sk_test_0123456789abcdef"
    with pytest.raises(ConfigError, match=r"source 'it'.*has a test key where a live account is meant"):
        account.read(connection=account.connection(account.twin.key))
    with pytest.raises(ConfigError, match="has a live key where a test account is meant"):
        account.read(test_mode=True)
    with pytest.raises(ConfigError, match="has a test key"):
        account.read(connection=account.connection("rk_test_1"))


def test_test_objects_are_left_out_and_noted(account):
    account.twin.add_charge(20, 1, account.days_ago(5), 900, livemode=False)
    found = account.read()
    assert "ch_20" not in found.orders
    assert "1 test objects left out" in found.notes["orders"]
    account.twin.key = "sk_test_0123456789abcdef"
    found = account.read(connection=account.connection(account.twin.key), test_mode=True)
    assert set(found.orders) == {"ch_20"}
