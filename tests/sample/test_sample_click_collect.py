"""The files of click & collect: names, habits, dirt, and that days can be added one by one."""

import csv
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from perennial.sample import click_collect
from perennial.sample.click_collect import expected_dirt
from perennial.sample.pickups import DIRT
from perennial.sample.world import World

END = date(2018, 1, 31)
HEADER = "pickup_ref,kundenmail,mobile,placed_local,store,basket_value,cur,state,newsletter"


@pytest.fixture(scope="module")
def delivered(large: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the year for six hundred households."""
    folder = tmp_path_factory.mktemp("delivered")
    click_collect.sync(folder, large, END)
    return folder


def read(folder: Path) -> list[dict[str, str]]:
    """Every row of every file, oldest file first, with its day."""
    rows = []
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as stream:
            day = path.stem.removeprefix("click_collect_")
            rows += [row | {"day": day} for row in csv.DictReader(stream)]
    return rows


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_there_is_one_file_per_business_day_even_without_pickups(small: World, tmp_path: Path) -> None:
    result = click_collect.sync(tmp_path / "drop", small, date(2017, 2, 28))
    names = sorted(path.name for path in (tmp_path / "drop").iterdir())
    assert len(names) == 59 == result["files"] == result["written"]
    assert names[0] == "click_collect_2017-01-01.csv"
    assert names[-1] == "click_collect_2017-02-28.csv"
    texts = [path.read_text() for path in (tmp_path / "drop").iterdir()]
    assert {text.splitlines()[0] for text in texts} == {HEADER}
    assert HEADER + "\n" in texts, "a quiet day is a file with a header"


def test_only_the_owner_may_look_into_the_folder_and_its_files(small: World, tmp_path: Path) -> None:
    click_collect.sync(tmp_path / "drop", small, date(2017, 1, 3))
    assert (tmp_path / "drop").stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "drop").iterdir()} == {0o600}


def test_a_second_call_rewrites_nothing(small: World, tmp_path: Path) -> None:
    click_collect.sync(tmp_path, small, date(2017, 3, 31))
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert click_collect.sync(tmp_path, small, date(2017, 3, 31))["written"] == 0
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before


def test_a_damaged_file_is_delivered_again(small: World, tmp_path: Path) -> None:
    click_collect.sync(tmp_path, small, date(2017, 1, 31))
    whole = contents(tmp_path)
    (tmp_path / "click_collect_2017-01-15.csv").write_text("half a fi")
    assert click_collect.sync(tmp_path, small, date(2017, 1, 31))["written"] == 1
    assert contents(tmp_path) == whole


def test_day_by_day_gives_the_same_files_as_all_at_once(large: World, tmp_path: Path) -> None:
    for day in range(15, 20):
        result = click_collect.sync(tmp_path / "steps", large, date(2017, 5, day))
    click_collect.sync(tmp_path / "once", large, date(2017, 5, 19))
    assert contents(tmp_path / "steps") == contents(tmp_path / "once")
    assert result["written"] == 1


def test_a_pickup_lies_in_the_file_of_its_local_day(delivered: Path) -> None:
    rows = [row for row in read(delivered) if not row["placed_local"].startswith("2107")]
    first = {row["pickup_ref"]: row for row in reversed(rows)}
    assert all(row["placed_local"][:10] == row["day"] for row in first.values())


def test_times_are_the_wall_time_of_the_stores(delivered: Path, large: World) -> None:
    local = {row["pickup_ref"]: row["placed_local"] for row in read(delivered)}
    for pickup in large.pickups.iloc[:: len(large.pickups) // 50].itertuples():
        if pickup.dirt != "far_future":
            # 2017: summer time from 12 March 7:00 to 5 November 6:00 UTC.
            summer = pd.Timestamp("2017-03-12 07", tz="UTC") <= pickup.placed_at
            summer &= pickup.placed_at < pd.Timestamp("2017-11-05 06", tz="UTC")
            expected = pickup.placed_at - pd.Timedelta(hours=4 if summer else 5)
            assert local[f"CC-{pickup.basket_no}"] == expected.strftime("%Y-%m-%d %H:%M:%S")


def test_addresses_are_untidy_but_the_same_once_tidied(delivered: Path, large: World) -> None:
    emails = {f"CC-{p.basket_no}": p.email for p in large.pickups.itertuples()}
    rows = [row for row in read(delivered) if row["kundenmail"]]
    assert all(row["kundenmail"].strip().lower() == emails[row["pickup_ref"]] for row in rows)
    assert any(row["kundenmail"] != row["kundenmail"].strip() for row in rows)
    assert any(row["kundenmail"] != row["kundenmail"].lower() for row in rows)
    untidy = sum(row["kundenmail"] != emails[row["pickup_ref"]] for row in rows)
    assert 0.1 < untidy / len(rows) < 0.5


def test_the_files_contain_exactly_the_expected_dirt(delivered: Path, large: World) -> None:
    rows = read(delivered)
    seen = Counter(row["pickup_ref"] for row in rows)
    again = [row for row in rows if seen[row["pickup_ref"]] > 1]
    voids = sum(row["state"] == "void" for row in again)
    found = {
        "missing_email": sum(row["kundenmail"] == "" for row in rows),
        "bad_amount": sum(row["basket_value"] in ("n/a", "12,5O") for row in rows),
        "far_future": sum(row["placed_local"].startswith("2107-") for row in rows),
        "unknown_currency": sum(row["cur"] == "XTS" for row in rows),
    }
    expected = expected_dirt(large, END)
    assert {kind: expected[kind] for kind in found} == found
    assert expected["corrected_later"] + expected["voided_later"] == len(again) / 2
    assert 0 < expected["voided_later"] <= voids
    assert set(expected) == set(DIRT)
    assert all(expected.values()), "a kind that never occurs tests nothing"


def test_dirt_is_counted_only_up_to_the_day_asked_for(delivered: Path, large: World) -> None:
    half = date(2017, 6, 30)
    rows = [row for row in read(delivered) if row["day"] <= half.isoformat()]
    expected = expected_dirt(large, half)
    assert expected["missing_email"] == sum(row["kundenmail"] == "" for row in rows)
    assert sum(expected.values()) < sum(expected_dirt(large, END).values())


def test_the_newest_delivery_of_every_readable_row_tells_the_truth(delivered: Path, large: World) -> None:
    newest = {row["pickup_ref"]: row for row in read(delivered)}
    for pickup in large.pickups.itertuples():
        row = newest[f"CC-{pickup.basket_no}"]
        assert row["state"] == pickup.state
        if pickup.dirt != "bad_amount":
            whole, cents = row["basket_value"].split(".")
            assert int(whole) * 100 + int(cents) == pickup.value_cents


def test_second_deliveries_come_later_and_change_one_thing(delivered: Path, large: World) -> None:
    kinds = {f"CC-{p.basket_no}": p.dirt for p in large.pickups.itertuples()}
    first: dict[str, dict[str, str]] = {}
    for row in read(delivered):
        if row["pickup_ref"] not in first:
            first[row["pickup_ref"]] = row
            continue
        before = first[row["pickup_ref"]]
        wait = datetime.fromisoformat(row["day"]) - datetime.fromisoformat(before["day"])
        changed = {name for name in row if row[name] != before[name]} - {"day"}
        if kinds[row["pickup_ref"]] == "voided_later":
            assert changed == {"state"}
            assert (before["state"], row["state"]) == ("collected", "void")
            assert wait == timedelta(days=1)
        else:
            assert changed == {"basket_value"}
            assert timedelta(days=1) <= wait <= timedelta(days=5)


def test_the_newsletter_never_turns_to_yes_in_the_order_of_the_files(delivered: Path) -> None:
    answers: dict[str, str] = {}
    for row in read(delivered):
        key = row["kundenmail"].strip().lower()
        answers[key] = answers.get(key, "") + row["newsletter"]
    answers.pop("", None)
    assert not [history for history in answers.values() if "NY" in history]
