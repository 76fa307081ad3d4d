"""Rows that are plainly right take a short cut; hostile ones prove that it leads where PostgreSQL's own checks lead."""

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest

from perennial import landing
from perennial.landing import Extract
from perennial.sources import files
from perennial.warehouse import loader, plain_rows, plain_values, raw_indexes, repeats

pytestmark = pytest.mark.server

NIGHT = date(2026, 1, 5)
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe"]

WORDS = ["x", "", " ", None, "a\0b", "a\ufffdb", "Zürich", "ﬀ", "a\nb", 'a"b', "a\\N", "\\.", "\x01", "\x02", "é" * 300]
PEOPLE = ["ann@example.com", " Ann@Example.COM ", "ÄNN@example.com", "İ@example.com", "K@example.com", "\tbob", " ", ""]
NUMBERS = [
    *("0", "-0", "1", "+1", "1.5", "1.50000", "1.23456", "1.00005", "-1.00005", ".5", "5.", ".", "-", "", " 1", "1 "),
    *("1e3", "1E-2", "1e-9", "1e400", "0x1F", "1_000", "NaN", "Infinity", "-inf", "1,5", "\uff11", "12.3.4", "--1"),
    *("99999999999999", "99999999999999.9999", "99999999999999.99995", "100000000000000", "-99999999999999.9999"),
    *("0" * 40 + "7", "9" * 30, "000.1", "1.", "+.5", "1e", "e1", "10000", "9999.9999", "10000.0001", "1\0", "1\n"),
]
WHOLE = ["1", "01", " 1", "1 ", "+1", "-1", "1.0", "1e1", "0x1F", "0b1", "1_000", "9" * 14, "9" * 15, "9" * 19, "x", ""]
MOMENTS = [
    *(
        "2025-01-02 10:00:00",
        "2025-01-02T10:00:00Z",
        "2025-01-02 10:00",
        "2025-01-02 10",
        "2025-01-02T10Z",
        "2025-01-02",
    ),
    *("2025-01-02 10:00:00.5", "2025-01-02 10:00:00.123456", "2025-01-02 10:00:00.1234567", "2025-01-02 10:00:00."),
    *("2025-01-02 10:00:00+01", "2025-01-02 10:00:00+0130", "2025-01-02 10:00:00-05:00", "2025-01-02 10:00:00+15:59"),
    *("2025-01-02 10:00:00+16:00", "2025-01-02 10:00:00+14:59", "2025-01-02 10:00:00 UTC", "2025-01-02t10:00:00z"),
    *(
        "2025-03-09 02:30:00",
        "2025-11-02 01:30:00",
        "2025-11-02 00:30:00",
        "2025-04-06 01:45:00",
        "2025-10-05 02:15:00",
    ),
    *(
        "2025-02-30",
        "2024-02-29",
        "2023-02-29",
        "2025-13-01",
        "2025-01-02 24:00:00",
        "2025-01-02 23:59:60",
        "0000-01-01",
    ),
    *(
        "0001-01-03",
        "1883-11-18 12:00:00",
        "1969-12-31 23:59:59",
        "1970-01-01",
        "1970-01-02",
        "2199-12-31",
        "9999-12-31",
    ),
    *(
        "2025-01-02  10:00:00",
        " 2025-01-02",
        "2025-01-02 ",
        "2025-1-2",
        "02.01.2025",
        "now",
        "infinity",
        "-infinity",
        "",
    ),
    *(
        "2025-01-02 10:00:00 +01:00",
        "2025-01-02 1:00",
        "2025-01-02T10:00:00+01:00:30",
        "2025-01-02 10:00:00\n",
        "10:00",
    ),
]
ORDERS = {
    "order_id": "no", "customer_id": {"from": "who", "as": "email_key"}, "ordered_at": "at",
    "status": {"from": "state", "values": {"ok": "placed", "gone": "cancelled", "": "placed"}}, "cancelled_at": "off",
    "amount": "amount", "currency": "cur", "changed_at": "changed",
}  # fmt: skip
LINES = {"order_id": "no", "line_no": "line", "product_id": "what", "quantity": "n", "amount": "amount"}
LINES |= {"category": {"constant": "Käse"}}
REFUNDS = {"refund_id": "no", "order_id": "order", "refunded_at": "at", "currency": {"constant": "EUR"}}
REFUNDS |= {"amount": {"from": "cents", "as": "cents"}}
CONSENTS = {"customer_id": "who", "channel": {"constant": "email"}, "purpose": {"constant": "marketing"}}
CONSENTS |= {"status": "state", "changed_at": "changed"}
KINDS = {
    "orders": (ORDERS, {"who": PEOPLE, "at": MOMENTS, "state": ["ok", "gone", "placed", "OK"], "off": MOMENTS,
                        "amount": NUMBERS, "cur": ["EUR", "USD", "eur", "EUR "], "changed": MOMENTS, "tag": ["staff"]}),
    "order_lines": (LINES, {"line": WHOLE, "what": WORDS, "n": NUMBERS, "amount": NUMBERS}),
    "refunds": (REFUNDS, {"order": WORDS, "at": MOMENTS, "cents": NUMBERS}),
    "consents": (CONSENTS, {"who": WORDS, "state": ["granted", "denied", "no"], "changed": MOMENTS}),
}  # fmt: skip
GOOD = {
    "who": "bob@example.com", "at": "2025-05-05 05:05:05", "state": "ok", "off": None, "amount": "10.50", "cur": "EUR",
    "changed": "2025-05-05 05:05:05Z", "tag": None, "line": "1", "what": "tea", "n": "2", "order": "1", "cents": "1050",
}  # fmt: skip
RULES = {"orders": [{"column": "tag", "starts_with": "STA"}, {"column": "who", "contains": "eve"}]}
TAGS = ["staff", "Stair", " sta ", "\u017fta", "sta\0", "", None, "a staff"]


def hostile(entity: str, seed: int) -> pa.Table:
    """Rows most of which are wrong in one place, some in several; ids come again, as they were and changed."""
    rng = random.Random(seed)
    found = KINDS[entity][1] | ({"tag": TAGS} if entity == "orders" else {})
    good = {c: GOOD[c] for c in found} | ({"state": "granted"} if entity == "consents" else {})
    rows = [good | {c: v} for c, values in found.items() for v in [*values, *WORDS]]
    rows += [good | {c: rng.choice(v) for c, v in found.items() if rng.random() < 0.2} for _ in range(400)]
    rows += [good] * 50
    rng.shuffle(rows)
    if entity != "consents":
        rows = [
            row | {"no": rng.choice([str(n), str(n), str(rng.randrange(300)), *WORDS])} for n, row in enumerate(rows)
        ]
    rows += rng.sample(rows, 100)
    return pa.table({c: pa.array([row[c] for row in rows], pa.string()) for c in rows[0]})


def load(source: str, entity: str, tables: list[pa.Table], zone: str, night: date) -> loader.Loaded:
    entities = {entity: {"columns": KINDS[entity][0], "exclude": RULES.get(entity, [])}}
    settings = files.Settings(kind="files", folder="drop", files="*", timezone=zone, entities=entities)
    extract = Extract(tables[0].column_names, tables, dict)
    return loader.load(landing.write(source, entity, night, extract), settings, ("EUR", "USD"))


def stored(rows, entity: str, source: str) -> tuple[list, list]:
    raw = rows(
        f"select r.*, b.as_of, null as loaded_at, null as source, null as batch_id from raw.{entity} as r "
        f"join ops.batches as b using (batch_id) where r.source = %s order by b.as_of, row_no",
        source,
    )
    rejected = rows(
        "select b.as_of, row_no, reason, column_name, value, payload, mapped from quarantine.rejected_rows as q "
        "join ops.batches as b using (batch_id) where q.source = %s order by b.as_of, row_no",
        source,
    )
    return raw, rejected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("entity", KINDS)
def test_the_short_cut_stores_and_rejects_exactly_what_the_long_way_does(warehouse, rows, monkeypatch, entity, zone):
    monkeypatch.setattr(raw_indexes, "MANY", 100)
    done = {}
    for source, can in (("short", True), ("long", False)):
        with monkeypatch.context() as patch:
            if not can:
                patch.setattr(plain_rows.Finder, "can", False)
            tables = [hostile(entity, seed) for seed in (1, 2)]
            first = load(source, entity, tables, zone, NIGHT)
            again = load(source, entity, [hostile(entity, 1), hostile(entity, 3)], zone, NIGHT + timedelta(days=1))
            done[source] = [(b.landed, b.loaded, b.new, b.quarantined) for b in (first, again)]
    assert done["short"] == done["long"]
    assert stored(rows, entity, "short") == stored(rows, entity, "long")
    assert first.loaded > first.new > 0, "ids came again"
    assert again.new < again.loaded
    assert rows(
        "select from pg_indexes where schemaname = 'raw' and tablename = %s and indexname like '%%_by_key'", entity
    )


def test_rows_as_good_systems_send_them_all_take_the_short_cut(warehouse, monkeypatch):
    def never(*_):
        raise AssertionError("a plain row went the long way")

    monkeypatch.setattr(loader, "copy_numbered", never)
    rows = {c: [GOOD[c]] * 3 for c in KINDS["orders"][1]} | {"no": ["1", "2", "Ü-3"]}
    rows["at"] = ["2025-05-05 05:05:05", "2025-05-05T05:05:05.25+02:00", "2025-05-05 05:05:05.123456Z"]
    rows["amount"] = ["-10", "0.0001", "99999999999999.9999"]
    assert (
        load(
            "shop", "orders", [pa.table({c: pa.array(v, pa.string()) for c, v in rows.items()})], "Europe/Paris", NIGHT
        ).new
        == 3
    )


@pytest.mark.parametrize("at", ["2025-01-02T10Z", "20250102T100000Z", "2025-01-02T100000Z", "2025-01-02 10:00:00,5Z"])
def test_a_column_all_in_utc_is_read_without_a_pattern_and_no_other_shape_with_it(at):
    usual = "2025-01-02 10:00:00.25Z"
    assert plain_values._all_in_utc(pa.array([usual, None])).to_pylist() == [1735812000250000, None]
    assert plain_values._all_in_utc(pa.array([usual, at])) is None


def test_keys_that_come_again_are_found_whatever_piece_they_are_in():
    first, second = pa.array(["1", "2", "12"]), pa.array(["3", "2", "21"])
    lines = pa.array([1, 2, 3])
    assert repeats.repeated([repeats.key_hashes([first]), repeats.key_hashes([second])]).tolist() == [1, 4]
    assert not len(repeats.repeated([repeats.key_hashes([t, lines]) for t in (first, pa.array(["2", "3", "9"]))]))
    assert not len(repeats.repeated([]))
