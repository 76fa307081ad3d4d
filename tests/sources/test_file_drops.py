"""File drops: late, re-delivered, wrong and broken files; nothing is lost and nothing read twice."""

from datetime import date

import pytest

from perennial import config
from perennial.errors import ConfigError
from perennial.sources import files

HEADER = "pickup_ref,kundenmail,mobile,placed_local,store,basket_value,cur,state,newsletter"
ROW = "CC-1,ann@example.com,+14135550101,2017-09-29 18:00:00,1,10.00,USD,collected,Y"
NIGHT = date(2017, 9, 30)


@pytest.fixture
def drop(drop_folder):
    def put(name: str, *lines: str, encoding: str = "utf-8") -> None:
        (drop_folder / name).write_bytes("\n".join(lines).encode(encoding))

    return put


def read(positions: dict | None = None, entity: str = "orders") -> tuple[list[dict], dict, list[str]]:
    source = config.load().sources.sources["click_collect"]
    for name, extract in files.open("click_collect", source, None, positions or {}, NIGHT):
        rows = [row for table in extract.tables for row in table.to_pylist()]
        if name == entity:
            return rows, {entity: extract.position()}, extract.notes
    raise AssertionError(entity)


def test_rows_carry_their_file_and_line(drop):
    drop("click_collect_2017-09-29.csv", HEADER, ROW, ROW.replace("CC-1", "CC-2"))
    rows, _, _ = read()
    assert [(r["pickup_ref"], r["_file"], r["_line"], r["_problem"]) for r in rows] == [
        ("CC-1", "click_collect_2017-09-29.csv", "2", None),
        ("CC-2", "click_collect_2017-09-29.csv", "3", None),
    ]


def test_a_file_is_read_once_a_late_one_when_it_arrives_and_a_changed_one_again(drop):
    drop("click_collect_2017-09-29.csv", HEADER, ROW)
    _, position, _ = read()
    assert read(position)[0] == []
    drop("click_collect_2017-09-01.csv", HEADER, ROW.replace("CC-1", "CC-late"))
    rows, position, _ = read(position)
    assert [r["pickup_ref"] for r in rows] == ["CC-late"]
    drop("click_collect_2017-09-29.csv", HEADER, ROW.replace("10.00", "11.00"))
    rows, _, _ = read(position)
    assert [r["basket_value"] for r in rows] == ["11.00"]


def test_a_file_that_vanished_after_reading_is_not_read_again_when_it_returns(drop, drop_folder):
    drop("click_collect_2017-09-29.csv", HEADER, ROW)
    _, position, _ = read()
    (drop_folder / "click_collect_2017-09-29.csv").rename(drop_folder / "archived.csv")
    _, position, _ = read(position)
    (drop_folder / "archived.csv").rename(drop_folder / "click_collect_2017-09-29.csv")
    assert read(position)[0] == []


def test_a_missing_required_column_marks_every_row_and_names_file_and_column(drop):
    drop("click_collect_2017-09-29.csv", HEADER.replace("basket_value", "amount"), ROW)
    rows, _, notes = read()
    assert [r["_problem"] for r in rows] == ["no column basket_value"]
    assert len(notes) == 1
    assert notes[0].startswith(
        "click_collect_2017-09-29.csv: no column basket_value among the 9 of its first line. Map what it has"
    )
    assert rows[0]["_text"] == ROW, "nothing of the row is lost"


def test_a_missing_optional_column_leaves_the_rows_usable(drop):
    drop("click_collect_2017-09-29.csv", HEADER.replace(",mobile", ""), ROW.replace(",+14135550101", ""))
    rows, _, notes = read(entity="customers")
    assert [(r["mobile"], r["_problem"]) for r in rows] == [(None, None)]
    assert "no column mobile" in notes[0]


def test_a_file_with_another_delimiter_loses_nothing_and_says_what_it_has(drop):
    drop("click_collect_2017-09-29.csv", HEADER.replace(",", ";"), ROW.replace(",", ";"))
    rows, _, notes = read()
    problem = "columns separated by ';' where ',' is expected"
    assert [(r["_problem"], r["_text"]) for r in rows] == [
        ("no header", HEADER.replace(",", ";")),
        (problem, ROW.replace(",", ";")),
    ]
    assert "no column pickup_ref" in notes[0]
    assert notes[1] == "click_collect_2017-09-29.csv: its columns are separated by ';'; set `delimiter: \";\"`"


def test_a_file_without_a_header_loses_no_row_and_tells_no_contact_detail(drop):
    drop("click_collect_2017-09-29.csv", ROW, ROW.replace("CC-1", "CC-2"))
    rows, _, notes = read()
    assert [r["_text"] for r in rows] == [ROW, ROW.replace("CC-1", "CC-2")]
    assert all(r["_problem"] for r in rows)
    assert "ann@" not in str(notes)
    assert "+1413" not in str(notes)


def test_a_column_that_stands_twice_is_not_guessed(drop):
    drop("click_collect_2017-09-29.csv", HEADER.replace("store", "cur"), ROW)
    assert [r["_problem"] for r in read()[0]] == ["column cur stands twice"]


def test_a_folder_that_looks_like_a_file_is_passed_over(drop, drop_folder):
    (drop_folder / "click_collect_x.csv").mkdir()
    assert read()[0] == []


def test_a_line_of_another_length_is_marked_not_shifted(drop):
    drop("click_collect_2017-09-29.csv", HEADER, ROW + ",surplus", "CC-2,bo@example.com")
    rows, _, _ = read()
    assert [r["_problem"] for r in rows] == ["10 fields where the header has 9", "2 fields where the header has 9"]


def test_undecodable_bytes_are_kept_for_the_contract_to_reject(drop):
    drop("click_collect_2017-09-29.csv", HEADER, ROW.replace("CC-1", "CC-Z\xfcrich"), encoding="latin-1")
    assert read()[0][0]["pickup_ref"] == "CC-Z\ufffdrich"


def test_a_byte_order_mark_and_quoted_commas_are_understood(drop):
    drop("click_collect_2017-09-29.csv", "\ufeff" + HEADER, ROW.replace("CC-1", '"CC,1"'))
    assert read()[0][0]["pickup_ref"] == "CC,1"


def test_an_empty_file_is_noted(drop):
    drop("click_collect_2017-09-29.csv")
    rows, _, notes = read()
    assert rows == []
    assert "is empty, without even a header" in notes[0]


def test_a_field_too_large_for_csv_is_told_and_what_stood_before_it_and_other_files_are_read(drop):
    drop("click_collect_2017-09-29.csv", HEADER, ROW, '"' + "x" * 200_000)
    drop("click_collect_2017-09-30.csv", HEADER, ROW.replace("CC-1", "CC-2"))
    rows, _, notes = read()
    assert [r["pickup_ref"] for r in rows] == ["CC-1", None, "CC-2"]
    assert "not readable as CSV from here on: a field or line longer than 131,072" in rows[1]["_problem"]
    assert rows[1]["_line"] == "3"
    assert "click_collect_2017-09-29.csv:3: not readable as CSV" in notes[0]


def test_a_missing_folder_is_a_clear_error(state):
    with pytest.raises(ConfigError, match=r"drop/click_collect is not a folder"):
        read()
