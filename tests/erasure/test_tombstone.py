"""What is left of a landed row: what adds up stays, what tells of somebody goes, what was rejected stays rejected."""

import hashlib

import pyarrow as pa
import pytest

from perennial.erasure.tombstone import hide, mapped
from perennial.sources.base import Entity

ORDERS = Entity.model_validate(
    {
        "table": "orders",
        "columns": {
            "order_id": "no",
            "customer_id": "who",
            "ordered_at": "at",
            "status": "state",
            "amount": "total",
            "currency": "cur",
        },
        "exclude": [
            {"column": "mail", "ends_with": "@ourshop.com"},
            {"column": "till", "one_of": ["test", "staff"]},
        ],
    }
)
BY_EMAIL = Entity.model_validate(
    {
        "columns": {
            "customer_id": {"from": "mail", "as": "email_key"},
            "email": "mail",
            "phone": "mobile",
            "registered_at": "at",
        }
    }
)
LINKS = Entity.model_validate(
    {"columns": {"customer_id": "who", "other_source": "where", "other_customer_id": "whom", "status": "state"}}
)
ANN = {"no": "1", "who": "7", "at": "2017-01-01", "state": "placed", "total": "9.5", "cur": "USD", "memo": "For Ann"}
TOKENS = {("shop", "7"): "erased-x", ("web", "9"): "erased-y"}


def hidden(mapping: Entity, *rows: dict, source: str = "shop", tokens: dict = TOKENS) -> tuple[list[dict], list[int]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
    made, numbers = hide(source, mapping, table, lambda *one: tokens.get(one))
    return made.to_pylist(), numbers


def test_dates_and_amounts_stay_and_what_is_not_mapped_goes():
    (row,), numbers = hidden(ORDERS, ANN)
    assert row == ANN | {"who": "erased-x", "memo": None}
    assert numbers == [0]


def test_rows_of_others_stay_as_they_are_and_the_table_the_same_object():
    table = pa.table({name: [value] for name, value in (ANN | {"who": "8"}).items()})
    assert hide("shop", ORDERS, table, lambda *one: TOKENS.get(one)) == (table, [])
    assert hide("web", ORDERS, table, lambda *one: TOKENS.get(one))[0] is table


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ({"mail": " Ann@OurShop.com"}, {"mail": "@ourshop.com"}),
        ({"mail": "ann@example.com"}, {"mail": None}),
        ({"till": "Staff"}, {"till": "staff"}),
        ({"memo": "M\ufffdller"}, {"memo": "\ufffd"}),
        ({"memo": "a\0b"}, {"memo": "\ufffd"}),
    ],
)
def test_what_excluded_a_row_or_made_it_unreadable_still_does(cell, left):
    (row,), _ = hidden(ORDERS, ANN | cell)
    assert {name: row[name] for name in left} == left


def test_an_id_made_of_an_address_is_made_of_the_token_afterwards():
    key = hashlib.md5(b"ann@example.com").hexdigest()
    row = {"mail": " Ann@Example.com ", "mobile": "+14135550101", "at": "2017-01-01"}
    (made,), _ = hidden(BY_EMAIL, row, tokens={("shop", f"email:{key}"): "erased-z"})
    assert made == {"mail": "erased-z", "mobile": None, "at": "2017-01-01"}
    assert mapped(BY_EMAIL.columns["customer_id"], "erased-z") == "email:" + hashlib.md5(b"erased-z").hexdigest()


def test_a_link_loses_either_end_that_is_hers():
    link = {"who": "8", "where": "web", "whom": "9", "state": "linked"}
    other = {"who": "8", "where": "till", "whom": "9", "state": "linked"}
    rows, numbers = hidden(LINKS, link, other)
    assert [row["whom"] for row in rows] == ["erased-y", "9"]
    assert numbers == [0]
