"""No text runs in a spreadsheet, no row breaks, and numbers and phone numbers stay what they are."""

import csv
import io
from datetime import date
from decimal import Decimal

import pyarrow.csv
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perennial.destinations.cells import looks_like_a_formula, plain_cell, quoted, text_cell

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−"
BLANKS = "  \t\r\n\v\f\0\ufeff\u200b\u2060\u3000\xad"
QUOTES = "\"'`“”"
dangerous = st.builds(
    lambda before, sign, rest: before + sign + rest,
    st.text(BLANKS + QUOTES, max_size=4),
    st.sampled_from(SIGNS),
    st.text(max_size=8),
)
awkward = st.one_of(
    st.text(max_size=20),
    st.text(SIGNS + BLANKS + QUOTES + ",;|ab1", max_size=12),
    dangerous,
    st.builds(lambda a, sep, b: a + sep + b, st.text(max_size=4), st.sampled_from(",;|\t\r\n"), dangerous),
)


def would_run(cell: str) -> bool:
    """Whether a spreadsheet that skips blanks and quotes sees a formula: written apart from the code it judges."""
    bare = "".join(c for c in cell if not (c.isspace() or c in QUOTES[:1] or c in BLANKS or ord(c) < 32))
    return bool(bare) and bare[0] in SIGNS


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\tharmless",
        "\rharmless",
        " =1",
        "\xa0=1",
        "\u200b=1",
        '"=1"',
        "'=1",
        "＝1",
        "﹢1",
        "−1",
        "a;=1",
        'a,"=1',
        "a\n=1",
        "a|@x",
        "\0=1",
        '=HYPERLINK("http://example.com","x")',
        "=cmd|' /C calc'!A0",
    ],
)
def test_what_a_spreadsheet_would_run_is_shown_instead(text):
    cell, changed = text_cell(text)
    assert changed
    assert looks_like_a_formula(text)
    (read,) = next(csv.reader(io.StringIO(cell, newline="")))
    assert read.count("'") > text.count("'")
    assert read.replace("'", "") == text.replace("'", "").replace("\0", "")


@pytest.mark.parametrize(
    "text", ["", "lost", "A", "10:00-12:00", "a = b", "50% off", "流失", "x@y.z", "1-2", "O'Neil", '12" vinyl', "a, b"]
)
def test_other_text_stays_as_it_is(text):
    cell, changed = text_cell(text)
    assert not changed
    assert next(csv.reader(io.StringIO(cell + "\n", newline="")), [""]) in ([text], [])


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-12.5, "-12.5"),
        (-3, "-3"),
        (Decimal("-0.10"), "-0.10"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (0.1, "0.1"),
        (float("nan"), ""),
        (float("-inf"), ""),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (date(2018, 1, 5), "2018-01-05"),
    ],
)
def test_numbers_days_and_truths_are_plain(value, cell):
    assert plain_cell(value) == cell


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_the_same_number(value):
    assert float(plain_cell(value)) == value
    assert "e" not in plain_cell(value)


@settings(max_examples=200, deadline=None)
@given(st.lists(awkward, min_size=1, max_size=5))
@example(["\r", "a"])
@example(["a;=1", '"', "\n\n"])
def test_no_cell_would_run_whichever_separator_a_reader_splits_at(texts):
    line = ",".join(text_cell(text)[0] for text in texts)
    for delimiter in ",;\t|":
        for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter):
            assert not [cell for cell in row if would_run(cell)]
    for piece in line.replace("\r", "\n").split("\n"):  # a reader that knows no quotes
        for delimiter in ",;\t|":
            assert not [cell for cell in piece.split(delimiter) if would_run(cell)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(awkward, min_size=2, max_size=3), min_size=1, max_size=4))
@example([["\ufeff", ""]])
def test_every_row_stays_one_row_for_every_reader(rows):
    width = min(map(len, rows))
    rows = [row[:width] for row in rows]
    written = [[text_cell(text) for text in row] for row in rows]
    header = ",".join(str(n) for n in range(width)) + "\n"  # as our files have; else U+FEFF in front was a file's mark
    content = header + "".join(",".join(cell for cell, _ in row) + "\n" for row in written)
    read = list(csv.reader(io.StringIO(content, newline="")))[1:]
    assert [len(row) for row in read] == [width] * len(rows)
    for row, cells in zip(rows, read, strict=True):
        for text, cell in zip(row, cells, strict=True):
            assert cell.replace("'", "") == text.replace("\0", "").replace("'", "")
    options = pyarrow.csv.ParseOptions(newlines_in_values=True)
    kept = pyarrow.csv.ConvertOptions(column_types={str(n): "string" for n in range(width)}, strings_can_be_null=False)
    table = pyarrow.csv.read_csv(io.BytesIO(content.encode()), parse_options=options, convert_options=kept)
    assert [list(row.values()) for row in table.to_pylist()] == read


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_phone_number_is_written_as_it_is(number):
    assert quoted(number) == number
