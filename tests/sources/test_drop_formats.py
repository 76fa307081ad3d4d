"""CSV, JSON lines and Parquet, plain and packed, come to the same rows; nothing of a value is rounded."""

import datetime as dt
import gzip
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drop_reading import csv, row

from perennial.sources.drops.rows import ROWS_PER_TABLE

AT = dt.datetime(2026, 1, 2, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))
VALUES = {"no": "1", "who": "ann", "at": "2026-01-02 10:00:00", "amount": "10.00"}


def parquet(**columns: pa.Array) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def jsonl(*rows: dict) -> bytes:
    return "".join(json.dumps(r) + "\n" for r in rows).encode()


PLAIN = {
    "a.csv": csv(row()),
    "a.jsonl": jsonl(VALUES),
    "a.parquet": parquet(**{name: pa.array([value]) for name, value in VALUES.items()}),
}


@pytest.mark.parametrize("pack", [None, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_packed_and_plain_are_the_same_rows_whatever_the_ending_says(drop, name, pack):
    packed = pack(PLAIN[name]) if pack else PLAIN[name]
    for ending in ("", ".gz", ".zst"):
        drop.put(name + ending, packed)
        found = drop.read(files=name + ending)
        assert [{c: r[c] for c in VALUES} for r in found.rows] == [VALUES]
        assert found.problems == [None]


def test_parquet_is_known_by_what_it_is(drop):
    for name in ("a.parquet", "b.bin"):
        drop.put(name, PLAIN["a.parquet"])
        (found,) = drop.read(files=name).rows
        assert {c: found[c] for c in VALUES} == VALUES
        assert (found["_file"], found["_line"]) == (name, "1")


def test_archives_of_several_parts_are_read_to_their_end(drop):
    drop.put("a.csv.gz", gzip.compress(csv(row(1))) + gzip.compress(row(2).encode()))
    assert drop.read().numbers == ["1", "2"]


def test_numbers_of_json_keep_every_digit(drop):
    drop.put("a.jsonl", b'{"no": 12345678901234567890, "who": true, "at": null, "amount": 0.10}\n\n{"amount": 1e2}\n')
    first, second = drop.read().rows
    assert [first[c] for c in ("no", "who", "at", "amount")] == ["12345678901234567890", "true", None, "0.10"]
    assert (second["amount"], second["_line"]) == ("1e2", "3")


def test_what_is_nested_in_json_comes_as_json(drop):
    drop.put("a.jsonl", '{"no": {"a": [1.50, "ü", null, true]}}\n'.encode())
    assert drop.read().rows[0]["no"] == '{"a": [1.50, "ü", null, true]}'


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([7], pa.int64()), "7"),
        (pa.array([Decimal("1234567890123.4500")], pa.decimal128(18, 4)), "1234567890123.4500"),
        (pa.array([19.99], pa.float64()), "19.99"),
        (pa.array([True]), "true"),
        (pa.array([dt.date(2026, 1, 2)]), "2026-01-02"),
        (pa.array([AT], pa.timestamp("ns", "Europe/Athens")), "2026-01-02 08:00:00.000000Z"),
        (pa.array([AT.replace(tzinfo=None)], pa.timestamp("ms")), "2026-01-02 10:00:00.000000"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array([b"\xfc"], pa.binary()), "\ufffd"),
        (pa.array([None], pa.null()), None),
    ],
    ids=lambda v: str(v.type) if isinstance(v, pa.Array) else "",
)
def test_every_simple_type_of_parquet_is_exact_text(drop, values, text):
    drop.put("a.parquet", parquet(**{name: pa.array([v]) for name, v in VALUES.items()} | {"no": values}))
    found = drop.read()
    assert (found.numbers, found.problems) == ([text], [None])


def test_delimiter_and_encoding_are_settings(drop):
    drop.put("a.csv", csv(row("Zürich")).decode().replace(",", ";").encode("cp1252"))
    assert drop.read(delimiter=";", encoding="cp1252").numbers == ["Zürich"]
    drop.put("a.csv", csv(row("東京")).decode().encode("utf-16"))
    assert drop.read(encoding="utf-16").numbers == ["東京"]


def test_the_format_may_be_said_where_names_do_not_tell_it(drop):
    drop.put("a.txt", PLAIN["a.jsonl"])
    assert drop.read(format="json_lines").numbers == ["1"]


def test_more_rows_than_a_table_holds_are_all_there_and_in_order(drop):
    many = ROWS_PER_TABLE * 2 + 7
    drop.put("a.csv", csv(*map(row, range(many))))
    drop.put("b.jsonl.gz", gzip.compress(jsonl(*({"no": n} for n in range(many)))))
    drop.put("c.parquet", parquet(**{c: pa.array([str(n) for n in range(many)]) for c in VALUES}))
    assert drop.read().numbers == [str(n) for n in range(many)] * 3
