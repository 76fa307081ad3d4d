"""A bad file is told of with its name, its line and what to do; it takes no other file with it and tells no contact."""

import gzip
import io
import json
import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drop_reading import HEADER, csv, row
from pydantic import ValidationError

from order_columns import ORDER_COLUMNS
from perennial.errors import RetriableError
from perennial.sources.drops import content, rows

GOOD = csv(row(1), row(2))
NOISE = csv(*(row(n, str(hash(n))) for n in range(5_000)))
GZIP, ZSTD = gzip.compress(NOISE), pa.compress(NOISE, codec="zstd", asbytes=True)


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def nested() -> bytes:
    return parquet(pa.table({"no": [["1", "2"]], "who": ["ann"], "at": ["2026-01-02"], "amount": ["1"]}))


BROKEN = {
    "truncated gzip": (
        "b.csv.gz",
        GZIP[:-500],
        "is a gzip file that ends too early; have it delivered",
    ),
    "gzip cut to its head": ("b.csv.gz", GZIP[:5], "is a gzip file that ends too early; have it"),
    "damaged gzip": ("b.csv.gz", GZIP[:-8] + b"12345678", "is a broken gzip file; have it delivered"),
    "truncated zstd": (
        "b.csv.zst",
        ZSTD[:-500],
        "is a zstd file that ends too",
    ),
    "Excel": ("b.csv", b"PK\x03\x04\x14\x00", "is a zip archive or an Excel workbook; have plain, gzip or zstd"),
    "UTF-16": ("b.csv", GOOD.decode().encode("utf-16"), "is not utf-8, it looks like UTF-16; set `encoding: utf-16`"),
    "truncated Parquet": ("b.parquet", nested()[:-20], "is no whole Parquet file; have it delivered again"),
    "CSV named Parquet": ("b.parquet", csv(row(5)), "is no whole Parquet file; have it delivered again"),
    "a list in Parquet": ("b.parquet", nested(), "column no is list<element: string>, not a single value per row. Map"),
    "one JSON list": ("b.json", b'[{"no": 1},\n{"no": 2}]', "is one JSON list. Have it delivered as JSON lines"),
}


@pytest.mark.parametrize(("name", "bad", "said"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_read_is_one_row_that_says_why_and_the_others_are_read(drop, name, bad, said):
    drop.put("a.csv", GOOD)
    drop.put(name, bad)
    drop.put("c.csv", csv(row(3)))
    found = drop.read()
    assert found.numbers == ["1", "2", None, "3"]
    assert said in found.problems[2]
    assert (found.rows[2]["_file"], found.rows[2]["_line"]) == (name, None)
    assert [n for n in found.notes if said in n and n.startswith(f"{name}: ")]


@pytest.mark.parametrize("pack", [gzip.compress, lambda c: pa.compress(c, codec="zstd", asbytes=True)])
def test_a_bomb_is_defused_before_a_row_of_it_is_read(drop, pack, monkeypatch):
    read = []
    see = content._Text.see
    monkeypatch.setattr(content._Text, "see", lambda self, chunk: read.append(len(chunk)) or see(self, chunk))
    drop.put("a.csv", pack(csv(row(1)) + b"0" * (200 << 20)))
    drop.put("b.csv", csv(row(2)))
    found = drop.read()
    assert found.problems == ["unpacks to more than 200 times its size; if that is right, raise `max_ratio`", None]
    assert sum(read) < content.SMALL + (64 << 20), "it was not unpacked to its end"
    assert drop.read(max_gigabytes=0.01).problems[0].startswith("unpacks to more than 0.01 GB; if that is right")
    assert "longer than" in drop.read(max_ratio=100_000).problems[1], "allowed, it is read"


def test_a_parquet_that_unpacks_to_too_much_is_a_bomb_too(drop):
    many = pa.table({c: pa.array(["x" * 100 + str(n) for n in range(50_000)]) for c in HEADER.split(",")})
    drop.put("a.parquet", parquet(many))
    assert drop.read(max_gigabytes=0.001).problems == [
        "unpacks to more than 0.001 GB; if that is right, raise `max_gigabytes`"
    ]


def test_lines_that_are_no_object_keep_their_text_and_tell_none_of_it(drop):
    lines = ['{"no": 1, "who": "ann"}', '["ann@example.com"]', "+14135550101", "null", '{"who": "ann@example.com"', ""]
    drop.put("a.jsonl", "\n".join(lines).encode())
    found = drop.read()
    assert found.problems == [
        None,
        "a list where an object is expected",
        "not JSON: Expecting value at character 1",
        "null where an object is expected",
        "not JSON: Expecting ',' delimiter at character 26",
    ]
    assert [r["_text"] for r in found.rows[1:]] == lines[1:5]
    assert [r["_line"] for r in found.rows] == ["1", "2", "3", "4", "5"]
    assert "example.com" not in json.dumps(found.notes + [r["_problem"] for r in found.rows])


def test_a_line_without_end_does_not_fill_the_memory(drop, monkeypatch):
    monkeypatch.setattr(rows, "LONGEST_LINE", 1000)
    drop.put("a.jsonl", b'{"no": 1}\n' + b'{"no": "' + b"x" * 5000)
    drop.put("b.csv", csv(row(2)) + b"x," * 5000)
    found = drop.read()
    assert found.numbers == ["1", None, "2", None]
    assert [r["_line"] for r in found.rows] == ["1", "2", "2", "3"]


def test_a_wrong_encoding_is_named_with_the_line_and_the_remedy(drop):
    drop.put("a.csv", csv(row(1), row("Zürich")).decode().encode("cp1252"))
    found = drop.read()
    assert found.numbers == ["1", "Z\ufffdrich"], "the contract rejects the row, not the file"
    assert "a.csv: is not utf-8 from line 3 on; set `encoding`, e.g. cp1252" in found.notes[0]


def test_a_parquet_without_a_mapped_column_loses_no_row(drop):
    drop.put("a.parquet", parquet(pa.table({"no": [1], "who": ["ann"], "at": ["2026-01-02"], "total": [5]})))
    found = drop.read()
    assert found.problems == ["no column amount"]
    assert json.loads(found.rows[0]["_text"]) == {"no": 1, "who": "ann", "at": "2026-01-02", "total": 5}
    assert "a.parquet: no column amount among the 4 of its columns" in found.notes[0]


def test_keys_that_no_line_of_json_has_are_noted(drop):
    drop.put("a.jsonl", b'{"no": 1}\n{"no": 2, "who": "ann"}\n')
    assert drop.read().notes == ["a.jsonl: no line has at, amount. Map what it has in config/sources.yml"]


def test_a_file_that_is_being_written_is_left_for_another_night(drop, monkeypatch):
    for name in ("a.csv.part", "b.csv.tmp", "c.csv.PART", ".d.csv", ".e/f.csv"):
        drop.put(name, GOOD)
    assert drop.read(files="**/*").rows == []
    grown = drop.put("g.csv", GOOD)
    real = content.examine

    def grows(stream, *limits):
        with grown.open("ab") as more:
            more.write(row(3).encode())
        return real(stream, *limits)

    monkeypatch.setattr(content, "examine", grows)
    found = drop.read()
    assert (found.rows, found.notes) == ([], ["g.csv: is still being written, so it is read another night"])
    monkeypatch.setattr(content, "examine", real)
    assert drop.read(found.position).numbers == ["1", "2", "3"]


def test_a_file_that_is_written_to_while_its_rows_are_read_is_tried_again(drop, monkeypatch):
    path = drop.put("a.csv", GOOD)
    real = content.plain

    def changes(stream, found):
        path.write_bytes(GOOD[:-5] + b"9.99\n")
        os.utime(path, (time.time() + 5, time.time() + 5))
        return real(stream, found)

    monkeypatch.setattr(content, "plain", changes)
    with pytest.raises(RetriableError, match=r"source 'market': .*a\.csv: was written to while it was read"):
        drop.read()


def test_a_file_that_is_taken_away_meanwhile_is_noted(drop, monkeypatch):
    drop.put("a.csv", GOOD)
    gone = drop.put("b.csv", GOOD)
    real = content.examine
    monkeypatch.setattr(content, "examine", lambda *a: gone.unlink(missing_ok=True) or real(*a))
    assert drop.read().notes == ["b.csv: was taken away before it was read"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"encoding": "utf-9"}, "is 'utf-9'; accepted: e.g. utf-8"),
        ({"encoding": "base64"}, "is 'base64'; accepted"),
        ({"delimiter": ";;"}, "at most 1 character"),
        ({"delimiter": "\n"}, "no character that separates columns"),
        ({"files": "../*.csv"}, "accepted: names below the folder"),
        ({"format": "xlsx"}, "'csv', 'json_lines' or 'parquet'"),
        ({"max_ratio": 1}, "greater than or equal to 2"),
        ({"entities": {"orders": {"table": "orders", "columns": ORDER_COLUMNS}}}, "'table' is for databases"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_before_anything_runs(drop, own, said):
    with pytest.raises(ValidationError, match=said):
        drop.settings(**own)
