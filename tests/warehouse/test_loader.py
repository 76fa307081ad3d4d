"""Landing to raw: a bad row goes to quarantine with its reason, a good one is stored once, none is lost."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from perennial import config, landing, paths
from perennial.clock import wall_clock
from perennial.errors import FatalError
from perennial.landing import Extract
from perennial.warehouse import loader
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
GOOD = {
    "pickup_ref": "CC-1",
    "kundenmail": "Ann@Example.com ",
    "placed_local": "2017-07-01 23:30:00",
    "basket_value": "10.50",
    "cur": "USD",
    "state": "collected",
}
TOMORROW = str((wall_clock() + timedelta(days=1)).date())

# what a row has instead of a good value -> why it is rejected, and the source column that is named
BAD = [
    ({"basket_value": "n/a"}, "not_a_number", "basket_value"),
    ({"basket_value": "12,50"}, "not_a_number", "basket_value"),
    ({"basket_value": "NaN"}, "not_a_number", "basket_value"),
    ({"basket_value": "Infinity"}, "not_a_number", "basket_value"),
    ({"basket_value": "1e400"}, "not_a_number", "basket_value"),
    ({"basket_value": "999999999999999999"}, "not_a_number", "basket_value"),
    ({"basket_value": None}, "missing_value", "basket_value"),
    ({"basket_value": ""}, "missing_value", "basket_value"),
    ({"pickup_ref": None}, "missing_value", "pickup_ref"),
    ({"kundenmail": "  "}, "missing_value", "kundenmail"),
    ({"placed_local": "yesterday"}, "not_a_timestamp", "placed_local"),
    ({"placed_local": "now"}, "not_a_timestamp", "placed_local"),
    ({"placed_local": "infinity"}, "not_a_timestamp", "placed_local"),
    ({"placed_local": "30/09/2017"}, "not_a_timestamp", "placed_local"),
    ({"placed_local": "2017-02-30"}, "not_a_timestamp", "placed_local"),
    ({"placed_local": TOMORROW}, "dated_after_extraction", "placed_local"),
    ({"placed_local": "2107-09-29 10:00:00"}, "dated_after_extraction", "placed_local"),
    ({"cur": "XTS"}, "currency_not_configured", "cur"),
    ({"cur": "usd"}, "currency_not_configured", "cur"),
    ({"state": "lost in transit"}, "value_not_allowed", "state"),
    ({"pickup_ref": "CC-Z\ufffdrich"}, "undecodable_text", "pickup_ref"),
    ({"pickup_ref": "CC-\0"}, "undecodable_text", "pickup_ref"),
    ({"_problem": "2 fields where the header has 9"}, "unreadable_line", "_line"),
]


def load(*changes: dict, night: date = NIGHT, position: dict | None = None) -> loader.Loaded:
    """Land rows that differ from a good one, and load them."""
    columns = [*GOOD, "_problem"]
    table = pa.table({c: pa.array([(GOOD | change).get(c) for change in changes], pa.string()) for c in columns})
    tables = [table] if changes else []
    batch = landing.write("click_collect", "orders", night, Extract(columns, tables, lambda: position or {}))
    return load_batch(batch)


def load_batch(batch: landing.Batch) -> loader.Loaded:
    return loader.load(batch, config.load().sources.sources["click_collect"], ("USD",))


def test_a_good_row_is_stored_with_its_real_types(warehouse, rows):
    assert load({}) == loader.Loaded("click_collect.orders.2017-09-30", landed=1, loaded=1, new=1, quarantined=0)
    (row,) = rows("select * from raw.orders")
    assert row["customer_id"].startswith("email:")
    assert "ann" not in row["customer_id"]
    assert row["ordered_at"].isoformat() == "2017-07-02T03:30:00+00:00", "wall time of the source's zone"
    assert (float(row["amount"]), row["status"]) == (10.5, "placed")


def test_spaces_and_case_of_an_email_do_not_make_another_customer(warehouse, rows):
    """dbt_shopify's roll-up: ranked by the raw address, grouped by the lower one."""
    load({}, {"pickup_ref": "CC-2", "kundenmail": "ann@example.com"})
    assert len(rows("select distinct customer_id from raw.orders")) == 1


@pytest.mark.parametrize(
    ("change", "reason", "column"), BAD, ids=[f"{r}: {v!r}" for c, r, _ in BAD for v in c.values()]
)
def test_a_row_that_breaks_the_contract_is_quarantined_with_reason_and_value(warehouse, rows, change, reason, column):
    """dlt 1980, 1772: rejected rows vanish, and nobody is shown the value."""
    done = load(change, {"pickup_ref": "CC-good"})
    assert (done.landed, done.loaded, done.quarantined) == (2, 1, 1)
    (found,) = rows("select reason, column_name, value, payload from quarantine.rejected_rows")
    assert (found["reason"], found["column_name"]) == (reason, column)
    (value,) = change.values()
    if value and reason not in ("missing_value", "undecodable_text"):
        assert found["value"] == value
        assert value in found["payload"].values()
    assert [r["order_id"] for r in rows("select order_id from raw.orders")] == ["CC-good"]


def test_a_negative_refund_is_quarantined_it_would_be_a_sale(warehouse, rows):
    columns = {"refund_no": ["1", "2"], "order_no": ["1", "1"], "refunded_at": ["2017-01-01"] * 2}
    columns |= {"amount_cents": ["-5", "500"], "currency": ["USD"] * 2}
    extract = Extract(list(columns), [pa.table(columns)], dict)
    batch = landing.write("shop", "refunds", NIGHT, extract)
    assert loader.load(batch, config.load().sources.sources["shop"], ("USD",)).quarantined == 1
    found = rows("select reason, column_name, value from quarantine.rejected_rows")
    assert found == [{"reason": "negative_amount", "column_name": "amount_cents", "value": "-5"}]
    assert [float(r["amount"]) for r in rows("select amount from raw.refunds")] == [5]


def test_every_reason_has_a_label_in_both_languages(warehouse, rows):
    import csv

    with (paths.home() / "dbt_project" / "seeds" / "dim_reasons.csv").open() as stream:
        labelled = {r["reason"] for r in csv.DictReader(stream) if r["kind"] == "quarantine" and r["label_zh"]}
    others = {"negative_amount", "not_a_whole_number", "unreadable_file", "excluded_by_rule"}
    others |= {"not_a_date", "not_a_rate", "not_a_currency_code"}
    assert {reason for _, reason, _ in BAD} | others == labelled


def test_a_negative_and_a_zero_amount_are_kept(warehouse, rows):
    load({"pickup_ref": "a", "basket_value": "-3"}, {"pickup_ref": "b", "basket_value": "0"})
    assert [float(r["amount"]) for r in rows("select amount from raw.orders order by order_id")] == [-3, 0]


def test_loading_a_batch_again_changes_nothing(warehouse, rows):
    done = load({}, {"basket_value": "x", "pickup_ref": "CC-2"})
    before = rows("select * from raw.orders"), rows("select * from quarantine.rejected_rows")
    assert load_batch(landing.find("click_collect", "orders", NIGHT)) == done
    assert (rows("select * from raw.orders"), rows("select * from quarantine.rejected_rows")) == before


def test_a_landing_folder_that_is_not_what_was_loaded_is_refused(warehouse):
    load({})
    with pytest.raises(FatalError, match="is not what was loaded"):
        load({"basket_value": "11.00"})


def test_a_mapping_changed_between_landing_and_loading_is_named(warehouse):
    table = pa.table({"pickup_ref": ["CC-1"]})
    batch = landing.write("click_collect", "orders", NIGHT, Extract(["pickup_ref"], [table], dict))
    with pytest.raises(FatalError, match="landed without column 'basket_value'"):
        load_batch(batch)


def test_a_statement_that_cannot_be_understood_is_kept_in_terms_of_the_contract(warehouse, rows):
    row = {"kundenmail": ["ann@example.com"], "newsletter": ["n"], "placed_local": ["2017-09-01 10:00:00"]}
    batch = landing.write("click_collect", "consents", NIGHT, Extract(list(row), [pa.table(row)], dict))
    assert load_batch(batch).quarantined == 1
    (found,) = rows("select mapped from quarantine.rejected_rows")
    assert found["mapped"]["channel"] == "email"
    assert found["mapped"]["customer_id"].startswith("email:")


def test_a_row_delivered_again_unchanged_is_accepted_but_not_stored_twice(warehouse, rows):
    load({})
    again = load({}, {"pickup_ref": "CC-2"}, night=NIGHT + timedelta(days=1))
    assert (again.landed, again.loaded, again.new) == (2, 2, 1)
    assert len(rows("select 1 from raw.orders where order_id = 'CC-1'")) == 1


def test_a_newer_version_is_stored_beside_the_older_one(warehouse, rows):
    load({}, {"basket_value": "11.00"}, {"basket_value": "11.00"})
    load({"basket_value": "12.00"}, night=NIGHT + timedelta(days=1))
    found = rows("select amount from raw.orders order by loaded_at, row_no")
    assert [float(r["amount"]) for r in found] == [10.5, 11, 12]


def test_a_row_that_returns_to_an_old_value_is_a_new_version(warehouse, rows):
    for day, value in enumerate(("10.00", "20.00", "10.00")):
        load({"basket_value": value}, night=NIGHT + timedelta(days=day))
    assert len(rows("select 1 from raw.orders")) == 3


def test_the_cursor_is_committed_with_the_rows(warehouse):
    load({}, position={"files": {"a.csv": "1"}})
    assert loader.positions("click_collect") == {"orders": {"files": {"a.csv": "1"}}}


def test_a_night_loaded_after_its_successor_does_not_turn_the_cursor_back(warehouse):
    load({}, position={"newest": "2"})
    load({"pickup_ref": "CC-2"}, night=NIGHT - timedelta(days=1), position={"newest": "1"})
    assert loader.positions("click_collect") == {"orders": {"newest": "2"}}


def test_a_run_killed_while_loading_leaves_nothing_and_the_next_one_loads_everything(warehouse, rows, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loader, "_move_cursor", killed)
        with pytest.raises(KeyboardInterrupt):
            load({})
    assert rows("select 1 from raw.orders union all select 1 from ops.batches") == []
    assert loader.positions("click_collect") == {}
    assert load_batch(landing.find("click_collect", "orders", NIGHT)).new == 1


def test_an_empty_batch_moves_the_cursor_too(warehouse):
    assert load(position={"newest": "x"}).landed == 0
    assert loader.positions("click_collect") == {"orders": {"newest": "x"}}


def test_column_names_of_a_source_are_quoted(warehouse, rows):
    nasty = 'x"; drop table raw.orders; --'
    settings = config.load().sources.sources["click_collect"].model_dump(by_alias=True)
    settings["entities"]["orders"]["columns"]["amount"] = {"from": nasty}
    source = type(config.load().sources.sources["click_collect"]).model_validate(settings)
    names = [nasty if c == "basket_value" else c for c in GOOD]
    table = pa.table({n: pa.array([v]) for n, v in zip(names, GOOD.values(), strict=True)})
    batch = landing.write("click_collect", "orders", NIGHT, Extract(names, [table], dict))
    assert loader.load(batch, source, ("USD",)).new == 1
    assert len(rows("select 1 from raw.orders")) == 1


def test_landed_is_loaded_plus_quarantined_by_constraint(warehouse):
    load({})
    with connect() as session, pytest.raises(Exception, match="check constraint"):
        session.execute("update ops.batches set rows_loaded = rows_loaded - 1")
