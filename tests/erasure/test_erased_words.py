"""An address is found however it stands in a text, and never within another one."""

import re

import pyarrow as pa
import pytest

from perennial.erasure.landed import without
from perennial.erasure.words import pattern
from perennial.warehouse.database import connect

WORDS = ["ann@example.com", "+14135550101", "o'hara+x@example.com"]
THERE = [
    "ann@example.com",
    "To: Ann@Example.com.",
    '{"mail": "ANN@EXAMPLE.COM"}',
    "tel:+14135550101;",
    "<o'hara+x@example.com>",
    "mail=ann@example.com&x=1",
]
ANOTHER = [
    "joann@example.com",
    "ann@example.com.au",
    "ann@example.community",
    "jo.ann@example.com",
    "+141355501012",
    "annexample.com",
    "ann@example-com",
]


@pytest.mark.parametrize(("texts", "found"), [(THERE, True), (ANOTHER, False)], ids=["there", "another"])
def test_python_and_arrow_find_the_same(texts, found):
    assert [bool(re.search(pattern(WORDS), text, re.IGNORECASE)) for text in texts] == [found] * len(texts)
    cells = without(pa.table({"memo": texts}), WORDS)["memo"].to_pylist()
    assert cells == ([None] * len(texts) if found else texts)


@pytest.mark.server
def test_postgresql_finds_the_same(warehouse):
    with connect() as session:
        for text in (*THERE, *ANOTHER):
            (said,) = session.execute("select %s ~* %s as said", [text, pattern(WORDS)]).fetchone().values()
            assert said == (text in THERE), text


def test_nothing_to_look_for_finds_nothing():
    table = pa.table({"memo": ["anything"]})
    assert without(table, []) is table
