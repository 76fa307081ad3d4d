"""A table of an audience's members, as CSV or Parquet, and whom its importer would not take."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO

from perennial.destinations.base import Channel, Delivery, Member
from perennial.destinations.cells import OTHERS, looks_like_a_formula, plain_cell, quoted, text_cell
from perennial.destinations.layouts import Layout

AT_ONCE = 5_000  # rows
ROW_GROUP = 50_000  # rows of a Parquet file that are held together
ADDRESS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "sms": re.compile(r"\+[1-9][0-9]{6,14}")}
BOM = "\ufeff".encode()


@dataclass
class Table:
    """What was written: rows, text kept from being run, and who is not in it and why. No addresses."""

    headers: list[str]
    rows: int = 0
    neutralised: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def write(file: BinaryIO, layout: Layout, channel: Channel, delivery: Delivery, kinds: dict[str, str]) -> Table:
    """Write everybody of the delivery; `kinds` tells number, date or boolean of attributes that are no text.

    The same members make the same bytes.
    """
    columns = layout.headers(channel, delivery.attributes)
    table = Table([header for header, _ in columns])
    rows = _rows(table, layout, channel, delivery, [source for _, source in columns])
    if layout.format == "parquet":
        _parquet(file, table, [kinds.get(source, "text") for _, source in columns], rows)
    else:
        _csv(file, table, layout, [source in ("email", "phone") for _, source in columns], rows)
    return table


def address_in(layout: Layout, channel: Channel, address: str) -> tuple[str, str | None]:
    """The address as the layout wants it, and if that cannot be, why not."""
    if not ADDRESS[channel].fullmatch(address):
        return address, "no e-mail address" if channel == "email" else "no phone number in E.164"
    if channel == "email" and looks_like_a_formula(address):
        return address, "the address begins like a formula, which a spreadsheet would run"
    if channel == "sms" and layout.phone != "e164":
        address = address.removeprefix("+")
        if layout.phone == "national":
            if not address.startswith(layout.calling_code):
                return address, f"no number of +{layout.calling_code}"
            address = layout.trunk + address.removeprefix(layout.calling_code)
    if layout.accepts and not re.fullmatch(layout.accepts, address):
        return address, "the importer takes no such address"
    return address, None


def _rows(table: Table, layout: Layout, channel: Channel, delivery: Delivery, sources: list[str]) -> Iterator[list]:
    own = {
        "audience": delivery.audience,
        "as_of": delivery.as_of,
        "valid_until": delivery.valid_until,
    }
    values = [_value(source, own) for source in sources]
    for member in delivery.members():
        address, problem = address_in(layout, channel, member.address)
        if problem:
            table.refused[member.customer_key] = problem
            continue
        table.rows += 1
        yield [value(member, address) for value in values]


def _value(source: str, own: dict[str, Any]) -> Callable[[Member, str], Any]:
    if source in ("email", "phone"):
        return lambda member, address: address
    if source == "customer_key":
        return lambda member, address: member.customer_key
    if source in own:
        return lambda member, address: own[source]
    return lambda member, address: member.attributes[source]


def _csv(file: BinaryIO, table: Table, layout: Layout, checked: list[bool], rows: Iterable[list]) -> None:
    if layout.bom:
        file.write(BOM)
    file.write((layout.delimiter.join(map(quoted, table.headers)) + "\n").encode())
    while lines := [_line(row, checked, layout.delimiter, table) for row in itertools.islice(rows, AT_ONCE)]:
        file.write("".join(lines).encode())


def _line(row: list, checked: list[bool], delimiter: str, table: Table) -> str:
    cells = []
    for value, is_checked in zip(row, checked, strict=True):
        if is_checked:
            cells.append(quoted(value))
        elif type(value) in OTHERS:
            cells.append(plain_cell(value))
        else:
            cell, changed = text_cell(str(value))
            table.neutralised += changed
            cells.append(cell)
    return delimiter.join(cells) + "\n"


def _parquet(file: BinaryIO, table: Table, kinds: list[str], rows: Iterable[list]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = {"number": pa.float64(), "date": pa.date32(), "boolean": pa.bool_(), "text": pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in zip(table.headers, kinds, strict=True)])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(itertools.islice(rows, ROW_GROUP)):
            columns = [
                pa.array([_typed(value, kind) for value in column], types[kind])
                for column, kind in zip(zip(*group, strict=True), kinds, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _typed(value: Any, kind: str) -> Any:
    if value is None or kind == "boolean":
        return value
    if kind == "number":
        return float(value)
    if isinstance(value, str):
        return date.fromisoformat(value) if kind == "date" else value
    if kind == "date":
        return value
    return plain_cell(value) if type(value) in OTHERS else str(value)
