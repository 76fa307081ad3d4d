"""Whole nights of the sample shops: somebody is erased between two of them, and the second knows nothing of her."""

import os
from pathlib import Path

import nights
import pytest
from pyarrow import parquet

from perennial import landing
from perennial.clock import wall_clock

pytestmark = [pytest.mark.e2e, pytest.mark.server]

HOUSEHOLDS = 60
# with an address and a number, meant by an audience, and known to both shops if anybody such is
CHOSEN = """
    select p.customer_key, c.email, c.phone
    from marts.dim_customers as p
    join pii.customer_contacts as c on p.customer_key = c.customer_key
    join activation.audience_verdicts as v on p.customer_key = v.customer_key and v.valid_to = 'infinity'
    where c.email is not null and c.phone is not null and p.count_orders > 0
    group by 1, 2, 3, p.count_source_customers
    order by p.count_source_customers desc, count(*) filter (where v.verdict = 'export') desc, 1 limit 1
"""
TOTALS = """
    select ordered_on::text, source, sum(net_amount)::text, count(*) from marts.fct_orders
    where ordered_on <= '2017-09-28' group by 1, 2 order by 1, 2
"""
STAGES = """
    select stage, count(*) from marts.fct_lifecycle_timeline
    where lifecycle_model = 'ecommerce' and valid_from <= '2017-09-28' and valid_to > '2017-09-28' group by 1 order by 1
"""
KEY_NOW = """
    select distinct customer_key from intermediate.int_customer_keys as k
    join pii.erased_records as e on (e.source, e.pseudonym) = (k.source, k.source_customer_id)
"""


@pytest.fixture(scope="module")
def told(living_state: Path) -> dict:
    """A night, an erasure, the night after with every file of one shop delivered again; what was before and what is."""
    nights.live_until("2017-09-28", HOUSEHOLDS)
    nights.run("2017-09-28")
    ((key, email, phone),) = nights.query(CHOSEN)
    records = nights.query(f"select source, source_customer_id from pii.int_identity where customer_key = '{key}'")
    assert len(records) > 1, "nobody is known to both shops"
    about = {"key": key, "email": email, "phone": phone, "records": records, "totals": nights.query(TOTALS)}
    about |= {"stages": nights.query(STAGES), "customers": nights.query("select count(*) from marts.dim_customers")}
    assert email in everything()
    done = nights.command("erase", key, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    about |= {"said": done.stdout, "at_once": everything(), "totals_at_once": nights.query(TOTALS)}
    nights.live_until("2017-09-29", HOUSEHOLDS)
    now = wall_clock().timestamp() + 60
    for file in (living_state / "drop" / "click_collect").glob("*.csv"):
        file.write_bytes(file.read_bytes() + b"\n")  # other content: it is read again
        os.utime(file, (now, now))
    nights.run("2017-09-29")
    return about


def everything() -> str:
    tables = nights.query(
        "select format('%I.%I', n.nspname, c.relname) from pg_class as c "
        "join pg_namespace as n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname !~ '^(pg_|information)'"
    )
    return "\n".join(row[0] for (table,) in tables for row in nights.query(f"select x::text from {table} as x"))


def landed(state: Path) -> str:
    tables = [str(parquet.read_table(path).to_pylist()) for path in (state / "landing").rglob("*.parquet")]
    return "\n".join([*tables, *(path.read_text("utf-8") for path in (state / "landing").rglob("*.json"))])


def traces(told: dict, text: str) -> list[str]:
    ids = [said for _, said in told["records"] if len(said) > 12]
    return [word for word in (told["key"], told["email"], told["phone"], *ids) if word in text]


def test_nothing_of_her_is_left_at_once_and_revenue_of_every_day_is_what_it_was(told):
    assert "0 hits" in told["said"]
    assert traces(told, told["at_once"]) == []
    assert told["totals_at_once"] == told["totals"]


def test_the_next_night_reads_her_again_and_does_not_know_her(told, living_state):
    """insight 719: who was purged is matched again with the next import."""
    again = nights.query(
        "select count(*) from ops.batches where source = 'click_collect' and as_of = '2017-09-29' and rows_landed > 0"
    )
    assert again != [(0,)]
    assert traces(told, everything()) == []
    assert traces(told, landed(living_state)) == []
    for source, said in told["records"]:
        assert nights.query(f"select from raw.orders where source = '{source}' and customer_id = '{said}'") == []
    for file in (living_state / "audiences").rglob("*.csv"):
        assert traces(told, file.read_text("utf-8")) == []


def test_days_and_stages_that_are_over_are_what_they_were(told):
    assert nights.query(TOTALS) == told["totals"]
    assert nights.query(STAGES) == told["stages"]
    known = nights.query("select count(*) from marts.dim_customers where known_on <= '2017-09-28'")
    assert known == told["customers"], "her records are one person still"


def test_explain_says_that_she_is_erased(told):
    said = nights.command("explain", told["key"])
    assert said.returncode
    assert "was erased on" in said.stderr
    ((now,),) = nights.query(KEY_NOW)
    reasons = nights.query(f"select distinct reason from activation.audience_members where customer_key = '{now}'")
    assert reasons == [("erased",)]
    assert "Erased on request" in nights.command("explain", now).stdout


def test_what_the_landing_zone_holds_is_what_was_loaded(told):
    loaded = dict(nights.query("select batch_id, manifest_sha256 from ops.batches"))
    found = {batch.batch_id: batch.sha256 for batch in landing.everything() if batch.batch_id in loaded}
    assert found == loaded
    assert any(batch.supersedes for batch in landing.everything())
