"""An audience file without her line: all others to the byte, and nobody else whose address looks like hers."""

import io

import pyarrow as pa
import pytest
from pyarrow import parquet

from perennial.erasure.audience_files import without

HERS = {"k1", "ann@example.com", "+14135550101", "14135550101"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key,email\nk1,x@example.com\nk2,bo@example.com\n", "key,email\nk2,bo@example.com\n"),
        ('key,email\n"k2","bo@example.com"\nk3,ANN@example.com\n', 'key,email\n"k2","bo@example.com"\n'),
        ("key,phone\nk2,+14135550101\nk3,+14135550102\n", "key,phone\nk3,+14135550102\n"),
        ("key,phone\nk2,14135550101\n", "key,phone\n"),
        ('key,email,memo\nk2,bo@example.com,"two\nlines"\nk1,,\n', 'key,email,memo\nk2,bo@example.com,"two\nlines"\n'),
        ("\ufeffemail\nann@example.com\nbo@example.com", "\ufeffemail\nbo@example.com"),
    ],
)
def test_her_line_goes_and_the_others_stay_to_the_byte(text, left):
    made, rows = without("lost.csv", text.encode(), ",", HERS)
    assert made.decode() == left
    assert rows == left.count("bo@") + left.count("50102")


@pytest.mark.parametrize("text", ["key,email\nk11,joann@example.com\n", "", "key,email\n"])
def test_a_file_without_her_is_left_alone(text):
    assert without("lost.csv", text.encode(), ",", HERS) is None
    assert without("manifest.json", b'"k1"', ",", HERS) is None


def test_a_parquet_file_too():
    out = io.BytesIO()
    parquet.write_table(pa.table({"email": ["Ann@example.com", "bo@example.com"], "orders": [1.0, 2.0]}), out)
    made, rows = without("lost.parquet", out.getvalue(), ",", HERS)
    assert (parquet.read_table(io.BytesIO(made)).to_pylist(), rows) == ([{"email": "bo@example.com", "orders": 2.0}], 1)
    assert without("lost.parquet", made, ",", HERS) is None
