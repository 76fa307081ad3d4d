"""A table of an audience's members, as CSV or Parquet, and whom its importer would not take."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO

from perennial.destinations.base import Channel, Delivery, Member
from perennial.destinations.cells import OTHERS, looks_like_a_formula, plain_cell, quoted, text_cell
from perennial.destinations.layouts import Layout

AT_ONCE = 5_000  # rows
ROW_GROUP = 50_000  # rows of a Parquet file that are held together
ADDRESS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "sms": re.compile(r"\+[1-9][0-9]{6,14}")}
ADDRESSES = ("email", "phone")
ORDINARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.%+-]*@[A-Za-z0-9.-]+")  # nearly all: need no closer look
NOTHING = re.compile(r"(?!)")
MOST_KNOWN = 10_000
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
    table, sources = Table([header for header, _ in columns]), [source for _, source in columns]
    members = _accepted(table, layout, channel, delivery)
    if layout.format == "parquet":
        values = [_value(source, delivery) for source in sources]
        rows = ([value(*told) for value in values] for told in members)
        _parquet(file, table, [kinds.get(source, "text") for source in sources], rows)
    else:
        _csv(file, table, layout, Lines(table, layout.delimiter, sources, delivery), members)
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


def _accepted(table: Table, layout: Layout, channel: Channel, delivery: Delivery) -> Iterator[tuple[Member, str]]:
    """Members with their addresses as the layout wants them, without those whom it does not take."""
    ordinary = ORDINARY if channel == "email" and not layout.accepts else NOTHING
    for member in delivery.members():
        address = member.address
        if not ordinary.fullmatch(address):
            address, problem = address_in(layout, channel, address)
            if problem:
                table.refused[member.customer_key] = problem
                continue
        table.rows += 1
        yield member, address


def _value(source: str, delivery: Delivery) -> Callable[[Member, str], Any]:
    if source in ADDRESSES:
        return lambda member, address: address
    if source == "customer_key":
        return lambda member, address: member.customer_key
    if source in ("audience", "as_of", "valid_until"):
        return lambda member, address: getattr(delivery, source)
    return lambda member, address: member.attributes[source]


def _csv(file: BinaryIO, table: Table, layout: Layout, lines: "Lines", members: Iterator[tuple[Member, str]]) -> None:
    if layout.bom:
        file.write(BOM)
    file.write((layout.delimiter.join(map(quoted, table.headers)) + "\n").encode())
    while some := "".join(itertools.starmap(lines.line, itertools.islice(members, AT_ONCE))):
        file.write(some.encode())


class Lines:
    """Lines of a CSV file. Many people have the same attributes, whose cells are made once."""

    def __init__(self, table: Table, delimiter: str, sources: list[str], delivery: Delivery):
        self._table = table
        self._delimiter = delimiter
        self._addresses = [n for n, source in enumerate(sources) if source in ADDRESSES]
        self._keys = [n for n, source in enumerate(sources) if source == "customer_key"]
        own = (*self._addresses, *self._keys)
        self._others = [(n, _value(source, delivery)) for n, source in enumerate(sources) if n not in own]
        self._empty = [""] * len(sources)
        self._known: dict[int, tuple[Mapping[str, Any], list[str], int]] = {}

    def line(self, member: Member, address: str) -> str:
        """The member's line, with its end."""
        _, cells, changed = self._known.get(id(member.attributes)) or self._remember(member)
        for n in self._addresses:
            cells[n] = quoted(address)
        for n in self._keys:
            cells[n], key_changed = text_cell(member.customer_key)
            changed += key_changed
        self._table.neutralised += changed
        return self._delimiter.join(cells) + "\n"

    def _remember(self, member: Member) -> tuple[Mapping[str, Any], list[str], int]:
        """Cells but address and key, and how many of them had to be kept from being run."""
        cells, changed = self._empty.copy(), 0
        for n, value_of in self._others:
            value = value_of(member, "")
            cells[n], unsafe = (plain_cell(value), False) if type(value) in OTHERS else text_cell(str(value))
            changed += unsafe
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        # with the attributes themselves, so that no others get their id
        self._known[id(member.attributes)] = found = (member.attributes, cells, changed)
        return found


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
