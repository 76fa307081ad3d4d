"""JSON lines: an object per line. Numbers keep their digits; what is nested comes as JSON text."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from perennial.sources.drops.content import Unreadable
from perennial.sources.drops.rows import LONGEST_LINE, Rows, Told, TooLong, Wanted, lines

NAMES = {list: "a list", str: "a text", int: "a number", bool: "true or false", type(None): "null"}


def tables(stream: BinaryIO, wanted: Wanted, told: Told) -> Iterator[pa.Table]:
    """The rows of a file; a line that is no object is marked and keeps its text."""
    rows, number, absent = Rows(wanted, told), 0, set(wanted.columns)
    try:
        for number, line in enumerate(lines(stream, wanted.encoding), 1):
            text = line.strip()
            if not text:
                continue
            if number == 1 and text.startswith("["):
                raise Unreadable("is one JSON list. Have it delivered as JSON lines, one object per line")
            found = _object(text)
            if isinstance(found, dict):
                absent -= found.keys()
                rows.add([_value(found.get(c)) for c in wanted.columns], number)
            else:
                rows.add(None, number, found, text)
            yield from rows.full()
    except TooLong:
        yield from rows.rest()
        raise Unreadable(
            f"a line longer than {LONGEST_LINE:,} characters. Have it delivered again", number + 1
        ) from None
    if number == 0:
        told.notes.append(f"{told.file}: is empty; no row of it is missing if that is right")
    elif absent:
        names = ", ".join(c for c in wanted.columns if c in absent)
        told.notes.append(f"{told.file}: no line has {names}. Map what it has in config/sources.yml")
    yield from rows.rest()


def _object(text: str) -> dict[str, Any] | str:
    """The object, or why there is none; never what stands there."""
    try:
        # numbers as they are written: a float would change the cents
        found = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos + 1}"
    except RecursionError:
        return "not JSON that can be read: nested too deep"
    if isinstance(found, dict):
        return found
    return f"{'a number' if isinstance(found, _Number) else NAMES[type(found)]} where an object is expected"


class _Number(str):
    """A number, digit by digit."""

    __slots__ = ()


def _value(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value or None
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value)


def _json(value: Any) -> str:
    """As JSON again, numbers with the digits they had."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
