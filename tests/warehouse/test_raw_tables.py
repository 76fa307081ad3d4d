"""The contract in Python and the raw tables in SQL say the same."""

import pytest

from perennial.warehouse import contract

TYPES = {
    "text": "text",
    "currency": "text",
    "currency_code": "text",
    "date": "date",
    "rate": "numeric",
    "timestamp": "timestamp with time zone",
    "number": "numeric",
    "whole": "bigint",
}
OWN = ["source", "payload_hash", "batch_id", "row_no", "loaded_at"]


@pytest.mark.server
@pytest.mark.parametrize("entity", contract.ENTITIES.values(), ids=lambda e: e.name)
def test_a_raw_table_has_exactly_the_columns_of_its_entity(entity, rows):
    found = {
        r["column_name"]: (r["data_type"], r["is_nullable"] == "NO")
        for r in rows(
            "select column_name, data_type, is_nullable from information_schema.columns "
            "where table_schema = 'raw' and table_name = %s",
            entity.name,
        )
    }
    expected = {c.name: (TYPES[c.type], c.required) for c in entity.columns}
    assert {k: v for k, v in found.items() if k not in OWN} == expected
    assert set(OWN) <= set(found)


@pytest.mark.parametrize("entity", contract.ENTITIES.values(), ids=lambda e: e.name)
def test_the_key_and_the_version_of_an_entity_are_columns_of_it(entity):
    columns = {c.name: c for c in entity.columns}
    assert all(columns[k].required for k in entity.key)
    assert entity.version is None or columns[entity.version].type == "timestamp"
