"""A file is read once, a changed one again; nothing is read twice and nothing forgotten, and the cursor stays small."""

import gzip
import hashlib
import os

import pytest
from drop_reading import csv, row

from perennial.sources.drops import content, memory


def test_a_known_file_is_not_even_opened(drop, monkeypatch):
    drop.put("a.csv", csv(row(1)))
    position = drop.read().position
    monkeypatch.setattr(content, "examine", None)
    assert drop.read(position).rows == []


def test_other_content_under_a_known_name_is_read_and_so_again_what_it_held_first(drop):
    drop.put("a.csv", csv(row(1, "10.00")))
    position = drop.read().position
    for amount in ("11.00", "10.00"):
        drop.put("a.csv", csv(row(1, amount)))
        found = drop.read(position)
        assert [r["amount"] for r in found.rows] == [amount]
        position = found.position


def test_another_time_or_packing_tool_alone_is_no_news(drop):
    path = drop.put("a.csv", csv(row(1)))
    position = drop.read().position
    os.utime(path, (1_700_000_000, 1_700_000_000))
    found = drop.read(position)
    assert (found.rows, found.notes) == ([], [])
    assert found.position != position, "it is not looked into every night"


def test_content_that_changed_behind_an_unchanged_size_and_time_is_seen(drop):
    path = drop.put("a.csv", csv(row(1, "10.00")))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    position = drop.read().position
    drop.put("a.csv", csv(row(1, "20.00")))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert [r["amount"] for r in drop.read(position).rows] == ["20.00"]


def test_the_same_content_under_another_name_is_not_read_twice(drop):
    drop.put("a.csv", csv(row(1)))
    drop.put("b.csv", csv(row(1)))
    found = drop.read()
    assert found.numbers == ["1"]
    assert found.notes == ["b.csv: holds what a.csv held, so it is not read again"]
    (drop.folder / "b.csv").rename(drop.folder / "c.csv")
    assert drop.read(found.position).rows == []


def test_a_full_delivery_that_undoes_the_last_one_counts_though_its_content_was_seen_before(drop):
    """Granted, denied, granted again, a file each: the third is no copy of the first."""
    position = None
    for name, amount in (("a.csv", "1.00"), ("b.csv", "2.00"), ("c.csv", "1.00")):
        drop.put(name, csv(row(1, amount)))
        found = drop.read(position)
        assert [r["amount"] for r in found.rows] == [amount]
        position = found.position


def test_files_are_read_by_name_so_the_later_one_has_the_last_word(drop):
    for name in ("2026-01-03.csv", "2026-01-01.csv", "2026-01-02.csv"):
        drop.put(name, csv(row(name)))
    assert drop.read().numbers == ["2026-01-01.csv", "2026-01-02.csv", "2026-01-03.csv"]


def test_a_bad_file_is_told_once_and_read_again_when_the_entry_is_mended(drop):
    drop.put("a.csv", csv(row("Zürich")).decode().replace(",", ";").encode("cp1252"))
    found = drop.read()
    assert None not in found.problems
    assert drop.read(found.position).rows == []
    mended = drop.read(found.position, delimiter=";", encoding="cp1252")
    assert (mended.numbers, mended.problems) == (["Zürich"], [None])
    assert drop.read(mended.position).rows == [], "what is right stays read"


def test_a_good_file_is_not_read_again_because_the_entry_changed(drop):
    drop.put("a.csv", csv(row(1)))
    assert drop.read(drop.read().position, encoding="cp1252").rows == []


def test_a_truncated_file_is_read_once_it_is_whole(drop):
    whole = gzip.compress(csv(*map(row, range(100))))
    drop.put("a.csv.gz", whole[:-20])
    first = drop.read()
    assert first.numbers == [None]
    drop.put("a.csv.gz", whole)
    assert len(drop.read(first.position).numbers) == 100


def test_the_cursor_of_an_earlier_version_is_understood(drop):
    content_ = csv(row(1))
    drop.put("a.csv", content_)
    drop.put("b.csv", csv(row(2)))
    old = {"files": {"a.csv": hashlib.sha256(content_).hexdigest(), "gone.csv": "1"}}
    assert drop.read(old).numbers == ["2"]


def test_the_cursor_stays_bounded_and_forgets_the_oldest_that_are_gone(drop, monkeypatch):
    monkeypatch.setattr(memory, "REMEMBERED", 3)
    position = None
    for n in range(8):
        path = drop.put(f"{9 - n}.csv", csv(row(n)))
        position = drop.read(position).position
        path.unlink()
    drop.put("here.csv", csv(row("here")))
    position = drop.read(position).position
    assert set(position["files"]) == {"2.csv", "3.csv", "4.csv", "here.csv"}


@pytest.mark.parametrize("pattern", ["*/*.csv", "**/*.csv", "2026-*/a.csv"])
def test_files_of_one_name_in_different_folders_are_different_files(drop, pattern):
    drop.put("2026-01/a.csv", csv(row(1)))
    drop.put("2026-02/a.csv", csv(row(2)))
    drop.put("other.txt", b"")
    found = drop.read(files=pattern)
    assert found.numbers == ["1", "2"]
    assert [r["_file"] for r in found.rows] == ["2026-01/a.csv", "2026-02/a.csv"]
