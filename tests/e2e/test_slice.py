"""Three nights of sixty households: again, one by one, at once, backwards, through Airflow."""

import re
from pathlib import Path

import nights
import pytest
import yaml

from perennial import embedded
from perennial.warehouse import database

pytestmark = [pytest.mark.e2e, pytest.mark.server, pytest.mark.airflow]

HOUSEHOLDS = 60
MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
OPEN_SCHEMAS = ("marts", "activation", "ops", "intermediate", "staging", "input")


@pytest.fixture(scope="module")
def state(living_state: Path) -> Path:
    """The first night by plain functions, the second through Airflow."""
    nights.live_until("2017-09-28", HOUSEHOLDS)
    nights.run("2017-09-28")
    nights.live_until("2017-10-01", HOUSEHOLDS)  # two days further than the night that reads it
    done = nights.command("nightly", "--as-of", "2017-09-29")
    assert done.returncode == 0, done.stdout + done.stderr
    (living_state / "said.txt").write_text(done.stdout)
    return living_state


def test_the_night_ends_with_a_summary_a_person_can_read(state):
    said = (state / "said.txt").read_text()
    for part in ("Customers on 2017-09-29", "成熟期", "Mature", "lost_customers", "rows landed", "make nightly"):
        assert part in said
    assert "extract shop:" in said, "progress is shown"
    assert "transform: fct_lifecycle_timeline success" in said


def test_the_second_night_extracted_only_what_changed(state):
    landed = dict(
        nights.query("select as_of::text, sum(rows_landed) from ops.batches where source = 'shop' group by 1")
    )
    assert 0 < landed["2017-09-29"] < landed["2017-09-28"] / 20


def test_every_source_row_is_landed_and_loaded_or_quarantined(state):
    ((orders, total),) = nights.query("select count(*), sum(total_cents) from sales.orders", "shop")
    ((loaded, cents),) = nights.query(
        "select count(*), sum(amount) * 100 from staging.stg_orders where source = 'shop'"
    )
    assert (orders, total) == (loaded, cents)
    assert nights.query("select count(*) from ops.batches where rows_landed <> rows_loaded + rows_quarantined") == [
        (0,)
    ]


# what a night still has to compute anew: nothing, once it is finished and run again, or built in full
LEFT_TO_LOOK_AT = {f"intermediate.int_touched_{what}" for what in ("customers", "orders", "records")}


def differing(before: tuple[dict, ...], after: tuple[dict, ...]) -> set[str]:
    """What is not there in both, or not the same."""
    return {name for one, other in zip(before, after, strict=True) for name, _ in one.items() ^ other.items()}


def test_running_a_night_again_changes_no_table_and_no_file(state):
    folders = [state / name for name in ("audiences", "landing", "drop")]
    before = nights.fingerprint(*nights.SCHEMAS), nights.files(*folders)
    nights.run("2017-09-29")
    assert differing(before, (nights.fingerprint(*nights.SCHEMAS), nights.files(*folders))) <= LEFT_TO_LOOK_AT


def test_running_a_past_night_again_changes_nothing(state):
    before = nights.fingerprint(*nights.SCHEMAS), nights.files(state / "audiences")
    nights.run("2017-09-28")
    assert differing(before, (nights.fingerprint(*nights.SCHEMAS), nights.files(state / "audiences"))) == set()
    assert nights.query("select distinct as_of::text from marts.customer_lifecycle") == [("2017-09-29",)]


SCORED = """
    select customer_key, historic_value::float8, coalesce(exp_orders_365d, 0), coalesce(clv_365d, 0)
    from marts.customer_clv order by customer_key
"""


def tell(contacted: list[tuple]) -> None:
    """Whom the first warehouse wrote to, limits of the second count as well."""
    with database.connect() as session, session.cursor() as cursor:
        cursor.executemany("insert into activation.contact_ledger values (%s, %s, %s, %s, %s, %s, %s)", contacted)


OF_EACH_NIGHT = ("clv_backtest", "clv_backtest_decile", "fct_tier_moves", "value_concentration", "rfm_cuts")
OF_EACH_NIGHT += ("quadrant_thresholds", "fct_segment_totals", "metrics_segments", "metrics_customers")
OF_EACH_NIGHT += ("fct_early_warnings", "early_warning_recall", "early_warning_quality")


def test_nights_one_by_one_equal_one_build_over_the_same_landed_batches(state, monkeypatch):
    before = nights.fingerprint("marts", "activation", "intermediate")
    # the other warehouse exports nothing, and did not live the night before: since when a verdict holds, it cannot know
    for table in ("export_runs", "export_rows", "audience_verdicts", "audience_members", "holdout_entries"):
        before.pop(f"activation.{table}")
    for table in ("marts.fct_campaign_uplift", "intermediate.int_holdout_outcomes", "intermediate.int_holdout_sums"):
        before.pop(table)  # nor who came to the draw in which night
    for name in ("marts.dim_customer_redirects", "intermediate.int_inherited_denials", "intermediate.int_gone_records"):
        before.pop(name)  # nor who was whom then
    before.pop("marts.fct_timeline_revisions")  # what was believed on nights that it never lived
    for table in OF_EACH_NIGHT:
        before.pop(f"marts.{table}")
    for table in ("marts.customer_abc", "intermediate.int_tiers"):  # a tier depends on that of the night before
        before.pop(table)
    before.pop("marts.customer_clv")  # the other fit started elsewhere, so the last digits differ
    before.pop("intermediate.int_warning_signs")  # and with them risk
    before.pop("marts.customer_360")  # holds all of these
    # rules are those of the first night of the month, and so is what they suggest
    for table in ("marts.category_affinity", "marts.customer_next_category", "intermediate.int_next_categories"):
        before.pop(table)
    before.pop("intermediate.int_seen_batches")  # the night that saw a batch first
    for name in LEFT_TO_LOOK_AT:
        before.pop(name)
    before.pop("intermediate.int_order_states")  # at night a view of those only who are computed anew
    scored, contacted = nights.query(SCORED), nights.query("select * from activation.contact_ledger")
    embedded.ensure_database("at_once")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", embedded.connection("at_once").to_json())
    from datetime import date

    from perennial import night

    for day in ("2017-09-28", "2017-09-29"):
        for name in night.open_night(date.fromisoformat(day)):
            night.load_source(name, date.fromisoformat(day))
    tell(contacted)
    night.build(date(2017, 9, 29))
    night.fit_value(date(2017, 9, 29))
    night.score(date(2017, 9, 29))
    monkeypatch.setattr(nights, "query", lambda s, d="at_once", ask=nights.query: ask(s, d))
    after = nights.fingerprint("marts", "activation", "intermediate")
    assert differing((before,), ({t: after[t] for t in before},)) == set()
    for one, other in zip(scored, nights.query(SCORED), strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], rel=1e-4)


def test_what_happens_after_the_night_is_loaded_but_invisible(state):
    after = "(ordered_at at time zone 'America/New_York')::date > '2017-09-29'"
    assert nights.query(f"select count(*) > 10 from raw.orders where {after}") == [(True,)]
    assert nights.query(f"select count(*) from input.input_orders where {after}") == [(0,)]
    assert nights.query("select max(ordered_on)::text from marts.fct_orders") == [("2017-09-29",)]
    assert nights.query("select max(event_on)::text from intermediate.int_ledger") == [("2017-09-29",)]


TAMPERED = [
    ("net revenue", "update marts.fct_orders set net_amount = net_amount + {} where order_id in {order}"),
    (
        "net revenue",
        "update marts.customer_clv set historic_revenue = historic_revenue + {} where customer_key in {person}",
    ),
    (
        "net revenue",
        "update marts.customer_360 set historic_revenue = historic_revenue + {} where customer_key in {person}",
    ),
    (
        "net revenue: .*segmentations",
        "update marts.fct_segment_totals set net_revenue = net_revenue + {} where segmentation = 'quadrant'",
    ),
    ("row versions", "update ops.batches set rows_new = rows_new - 100 * {} where batch_id in {batch}"),
]


@pytest.mark.parametrize(("total", "statement"), TAMPERED, ids=[t[1].split()[1] for t in TAMPERED])
def test_the_gate_notices_what_is_not_as_it_should_be(state, total, statement):
    from datetime import date

    from perennial import gate
    from perennial.errors import GateError
    from perennial.warehouse.database import connect

    one = {
        "order": "(select min(order_id) from marts.fct_orders)",
        "person": "(select min(customer_key) from marts.customer_clv)",
        "batch": "(select min(batch_id) from ops.batches where rows_new > 0)",
    }
    with connect() as session:
        session.execute(statement.format("0.01", **one))
    with pytest.raises(GateError, match=total):
        gate.run(date(2017, 9, 29))
    with connect() as session:
        session.execute(statement.format("(-0.01)", **one))
    gate.run(date(2017, 9, 29))


def test_the_unit_tests_of_the_models_pass(state):
    """They are left out at night, where they would run on the company's own rules."""
    done = nights.command("dbt", "test", "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_file_documents_every_table_and_who_reads_it(state):
    """What `make docs` calls."""
    done = nights.command("dbt", "docs", "generate", "--static")
    assert done.returncode == 0, done.stdout + done.stderr
    page = max((state / "dbt").glob("*/static_index.html")).read_text("utf-8")
    models = {path.stem for path in MODELS.rglob("*.sql")}
    assert len(models) > 100
    assert [name for name in (*models, "nightly_report", "audience_lost_customers") if f'.{name}"' not in page] == []


def test_every_column_has_the_very_type_that_its_description_names(state):
    """The contract compares names and kinds, but no precision."""
    built = nights.query(
        "select relname, attname, replace(format_type(atttypid, atttypmod), ' ', '') from pg_attribute "
        "join pg_class on pg_class.oid = attrelid join pg_namespace on pg_namespace.oid = relnamespace "
        "where nspname in ('marts', 'activation', 'pii', 'input', 'intermediate', 'staging') and attnum > 0"
    )
    types = {(model, column): kind for model, column, kind in built}
    files = [yaml.safe_load(path.read_text("utf-8")) for path in MODELS.rglob("*.yml")]
    columns = [(model["name"], column) for f in files for model in f.get("models", []) for column in model["columns"]]
    assert len(columns) > 900
    assert {
        (model, column["name"], column["data_type"], kind)
        for model, column in columns
        if "data_type" in column
        and (kind := types.get((model, column["name"]))) != column["data_type"].replace(" ", "")
    } == set()


def test_contact_details_are_nowhere_but_where_they_may_be(state):
    people = nights.query("select lower(email), mobile from sales.customers", "shop")
    secrets = {value for row in people for value in row}
    assert _details((state / "drop").glob("**/*.csv").__next__().read_text()) & secrets, "the canary itself is alive"
    places = [p for folder in ("logs", "dbt", "airflow", "report") for p in (state / folder).rglob("*") if p.is_file()]
    for path in [*places, state / "said.txt", state / "pgdata" / "log"]:
        assert not _details(path.read_text(errors="ignore")) & secrets, f"a contact detail in {path}"
    for table, text in _texts("warehouse", OPEN_SCHEMAS) + _texts("airflow_meta", ("public",)):
        assert not _details(text) & secrets, f"a contact detail in {table}"


def _details(text: str) -> set[str]:
    """Everything in a text that looks like an e-mail address or a phone number."""
    return {found.lower() for found in re.findall(r"[\w.+-]+@[\w.-]+\w|\+\d{8,15}", text)}


def _texts(database: str, schemas: tuple[str, ...]) -> list[tuple[str, str]]:
    names = ", ".join(f"'{s}'" for s in schemas)
    tables = nights.query(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables "
        f"where table_schema in ({names})",
        database,
    )
    return [(t, str(nights.query(f"select string_agg(t::text, ' ') from {t} as t", database))) for (t,) in tables]


def test_audience_files_match_their_manifest(state):
    import csv
    import hashlib
    import json

    manifests = sorted((state / "audiences").glob("*/2017-09-29/*.manifest.json"))
    assert len(manifests) == 9
    for path in manifests:
        manifest = json.loads(path.read_text())
        content = path.with_name(path.name.replace(".manifest.json", ".csv")).read_bytes()
        rows = list(csv.DictReader(content.decode().splitlines()))
        assert (len(rows), hashlib.sha256(content).hexdigest()) == (manifest["rows"], manifest["sha256"])


def test_a_past_state_can_be_asked_of_the_timeline(state):
    ((customers,),) = nights.query(
        "select count(*) from marts.fct_lifecycle_timeline where lifecycle_model = 'ecommerce' "
        "and valid_from <= '2017-06-30' and valid_to > '2017-06-30'"
    )
    ((known,),) = nights.query("select count(*) from marts.dim_customers where known_on <= '2017-06-30'")
    assert customers == known > 50


def test_psql_opens_the_warehouse_without_a_password(state):
    done = nights.command("psql", "-At", "-c", "select count(*) > 0 from marts.dim_customers")
    assert (done.returncode, done.stdout.strip()) == (0, "t"), done.stderr


def test_check_validates_the_configuration(state):
    assert "all right" in nights.command("check").stdout


def test_a_night_that_is_not_over_is_refused_in_one_line(state):
    done = nights.command("nightly", "--as-of", "2999-01-01")
    assert done.returncode == 1
    assert done.stderr.startswith("perennial: as_of is 2999-01-01, a day that is not over")
    assert "Traceback" not in done.stderr
