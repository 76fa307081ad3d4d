"""Test orders and those of the staff, by rule: not loaded, but counted, shown, and back when the rule goes."""

import json
from datetime import date

import pytest
from pydantic import ValidationError

from order_columns import ORDER_COLUMNS
from perennial.config.sources import Sources
from perennial.connections import Connection
from perennial.sources import files, sql
from perennial.sources.extract import extract
from perennial.warehouse import loader, preview, quarantine

NIGHT = date(2026, 1, 5)
COLUMNS = ORDER_COLUMNS | {"customer_id": {"from": "who", "as": "email_key"}}
STAFF = {"column": "who", "ends_with": "@ourshop.example.com"}
HEADER = "no,who,at,amount,tags"
ROWS = {
    "1": "ann@example.com",
    "2": "Eve@OurShop.example.com ",
    "3": "eve@ourshop.example.com.example.org",
    "4": "",
}


@pytest.fixture
def source(state):
    """The drop of a day, and the source that reads it with some rules."""
    folder = state / "drop"
    folder.mkdir()
    lines = [f"{no},{who},2026-01-02 10:00:00,5.00,{'Test' if no == '1' else ''}" for no, who in ROWS.items()]
    (folder / "a.csv").write_text("\n".join([HEADER, *lines]))

    def made(*rules: dict) -> files.Settings:
        entities = {"orders": {"columns": COLUMNS, "exclude": list(rules)}}
        return files.Settings(kind="files", folder="drop", files="*", timezone="UTC", entities=entities)

    return made


def load(source: files.Settings, as_of: date = NIGHT) -> loader.Loaded:
    (batch,) = extract("it", source, None, as_of)
    return loader.load(batch, source, ("USD",))


def reasons(rows) -> list[tuple]:
    found = rows("select row_no, reason, column_name, value from quarantine.rejected_rows order by row_no")
    return [tuple(row.values()) for row in found]


@pytest.mark.server
def test_excluded_rows_are_counted_and_kept_with_rule_and_value_and_no_order(warehouse, rows, source):
    done = load(source(STAFF))
    assert (done.landed, done.loaded, done.quarantined) == (4, 2, 2)
    assert reasons(rows) == [
        (2, "excluded_by_rule", "who", ROWS["2"]),
        (4, "missing_value", "who", None),
    ]
    assert [r["order_id"] for r in rows("select order_id from raw.orders order by 1")] == ["1", "3"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("test", "excluded"),
    [
        ({"column": "no", "equals": 1}, ["1"]),
        ({"column": "no", "one_of": ["1", 3, "9"]}, ["1", "3"]),
        ({"column": "who", "starts_with": "EVE@"}, ["2", "3"]),
        ({"column": "who", "contains": "shop"}, ["2", "3"]),
        ({"column": "tags", "equals": "test"}, ["1"]),
        ({"column": "who", "ends_with": "%"}, []),
        ({"column": "who", "contains": "_"}, []),
        ({"column": "who", "ends_with": "{text}'; drop table raw.orders; --"}, []),
    ],
    ids=str,
)
def test_every_test_of_a_rule_ignores_case_and_knows_no_patterns(warehouse, rows, source, test, excluded):
    load(source(test))
    assert [str(r[0]) for r in reasons(rows) if r[1] == "excluded_by_rule"] == excluded


@pytest.mark.server
def test_any_of_several_rules_excludes(warehouse, rows, source):
    assert load(source(STAFF, {"column": "tags", "equals": "test"})).loaded == 1


@pytest.mark.server
def test_rows_come_back_when_the_rule_goes(warehouse, rows, source):
    load(source(STAFF))
    rows("insert into ops.nights (as_of) values (%s) returning as_of", NIGHT)
    business = {"timezone": "UTC", "currency": "USD"}
    told = json.loads(source().model_dump_json(by_alias=True, exclude_none=True))
    settings = Sources.model_validate({"business": business, "sources": {"it": told}})
    _, (replayed,) = quarantine.replay("it", None, settings)
    assert (replayed.loaded, replayed.still) == (1, 1)
    assert [r["order_id"] for r in rows("select order_id from raw.orders order by 1")] == ["1", "2", "3"]


@pytest.mark.server
def test_sources_check_shows_what_would_be_excluded_and_masks_whom(warehouse, source):
    (seen,) = preview.previews("it", source(STAFF), None, ("USD",), None)
    assert ("excluded_by_rule", "who", "E***", 1) in [(r.reason, r.column, r.value, r.rows) for r in seen.rejected]


@pytest.mark.server
def test_a_database_lands_the_column_of_a_rule_though_it_is_not_mapped(warehouse, rows, state):
    import sqlite3

    with sqlite3.connect(state / "shop.db") as session:
        session.execute("create table orders (no text, who text, at text, amount text, is_test bool)")
        session.execute("insert into orders values ('1', 'a', '2026-01-02', '1', 0), ('2', 'a', '2026-01-02', '1', 1)")
    rule = {"column": "is_test", "one_of": [True, 1]}
    entities = {"orders": {"table": "orders", "columns": COLUMNS, "exclude": [rule]}}
    source = sql.Settings(kind="sql", connection="shop", timezone="UTC", entities=entities)
    (batch,) = extract("it", source, Connection("sqlite", database=str(state / "shop.db")), NIGHT)
    assert loader.load(batch, source, ("USD",)).quarantined == 1
    assert reasons(rows) == [(2, "excluded_by_rule", "is_test", "1")]


def test_a_file_without_the_column_of_a_rule_is_not_taken_as_if_nobody_were_excluded(source):
    opened = files.open("it", source({"column": "channel", "equals": "till"}), None, {}, NIGHT)
    (found,) = [row for _, extracted in opened for table in extracted.tables for row in table.to_pylist()][:1]
    assert found["_problem"] == "no column channel"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"column": "who"}, "exactly one of equals, one_of, starts_with, ends_with, contains"),
        ({"column": "who", "equals": "a", "contains": "b"}, "exactly one of"),
        ({"column": "who", "matches": ".*"}, "Extra inputs"),
        ({"column": "_line", "equals": "1"}, "a name of ours"),
        ({"column": "who", "equals": ""}, "at least 1 "),
        ({"column": "who", "one_of": []}, "at least 1 item"),
        ({"equals": "x"}, "Field required"),
    ],
    ids=str,
)
def test_a_rule_that_says_nothing_is_refused(source, rule, said):
    with pytest.raises(ValidationError, match=said):
        source(rule)
