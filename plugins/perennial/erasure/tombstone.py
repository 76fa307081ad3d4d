"""What is left of a landed row when its customer is erased: dates, amounts, products, and a token where her id stood.

Only columns that the contract maps to something other than contact details stay; all others are emptied. What made a
row be rejected or excluded stays: replayed, it must not begin to count.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from perennial.erasure.salted import TokenOf
from perennial.landing import Extract
from perennial.sources.base import Column, Entity, Exclusion, Settings

CONTACTS = ("email", "phone", "loyalty_number")
IDS = (("customer_id", None), ("other_customer_id", "other_source"))  # id, and the column that names its source
UNDECODABLE = ("\ufffd", "\0")


def mapped(origin: Column, cell: str | None) -> str | None:
    """What the contract makes of a cell, as `rowcheck.mapped` does in SQL; None of an empty one."""
    if origin.constant is not None:
        return origin.constant
    if not cell:
        return None
    said = (origin.values or {}).get(cell, cell)
    if origin.as_ == "email_key":
        plain = said.strip(" ").lower()
        return "email:" + hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest() if plain else None
    return said


def hide(source: str, mapping: Entity, rows: pa.Table, token_of: TokenOf) -> tuple[pa.Table, list[int]]:
    """The rows with those of erased customers as tombstones, and which these are, from 0. Columns are text."""
    hers: dict[int, dict[str, str]] = {}  # row -> id column -> token
    for name, of in IDS:
        origin = mapping.columns.get(name)
        if origin is None or origin.from_ not in rows.column_names:
            continue
        for n, token in _found(source, mapping, rows, origin, of, token_of):
            hers.setdefault(n, {})[origin.from_] = token
    if not hers:
        return rows, []
    return _edited(rows, hers, lambda row: tombstone(mapping, row)), sorted(hers)


def tombstone(mapping: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an erased customer without what tells of her; her ids are still in it."""
    named = {origin.from_ for name, origin in mapping.columns.items() if name in CONTACTS}
    stays = {origin.from_ for name, origin in mapping.columns.items()} - named
    return {
        column: cell if column in stays or column.startswith("_") else _emptied(mapping, column, cell)
        for column, cell in row.items()
    }


def hidden(source: str, settings: Settings, entity: str, extract: Extract, token_of: TokenOf | None) -> Extract:
    """What a connector hands over, with rows of erased customers as tombstones."""
    if token_of is None:
        return extract

    def rows():
        for some in extract.tables:
            table = pa.Table.from_batches([some]) if isinstance(some, pa.RecordBatch) else some
            yield hide(source, settings.entities[entity], table, token_of)[0]

    return Extract(extract.columns, rows(), extract.position, extract.notes)


def _found(source: str, mapping: Entity, rows: pa.Table, origin: Column, of: str | None, token_of: TokenOf):
    """Row numbers with their tokens, of one column of ids."""
    cells = rows[origin.from_].combine_chunks()
    named = mapping.columns.get(of) if of else None
    if named is None or named.constant:
        source = named.constant if named else source
        ids = {cell: mapped(origin, cell) for cell in pc.unique(cells).to_pylist()}
        tokens = {cell: token for cell, said in ids.items() if said and (token := token_of(source, said))}
        if tokens:
            hit = pc.is_in(cells, value_set=pa.array(list(tokens), pa.string()))
            for n in pc.indices_nonzero(hit).to_pylist():
                yield n, tokens[cells[n].as_py()]
        return
    for n, (cell, other) in enumerate(zip(cells.to_pylist(), rows[named.from_].to_pylist(), strict=True)):
        said, its = mapped(origin, cell), mapped(named, other)
        if said and its and (token := token_of(its, said)):
            yield n, token


def _edited(rows: pa.Table, hers: dict[int, dict[str, str]], emptied: Callable) -> pa.Table:
    columns = {name: rows[name].to_pylist() for name in rows.column_names}
    for n, tokens in hers.items():
        row = emptied({name: cells[n] for name, cells in columns.items()}) | tokens
        for name, cell in row.items():
            columns[name][n] = cell
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def _emptied(mapping: Entity, column: str, cell: str | None) -> str | None:
    """Nothing, or no more than what excluded the row or made it unreadable."""
    if cell is None:
        return None
    told = [word for rule in mapping.exclude if rule.column == column for word in _matching(rule, cell)]
    if told:
        return told[0]
    return "\ufffd" if any(sign in cell for sign in UNDECODABLE) else None


def _matching(rule: Exclusion, cell: str) -> list[str]:
    test, words = rule.test
    text = cell.strip(" ").lower()
    found = {
        "equals": text.__eq__,
        "one_of": text.__eq__,
        "starts_with": text.startswith,
        "ends_with": text.endswith,
        "contains": text.__contains__,
    }[test]
    return [word for word in words if found(word)]
