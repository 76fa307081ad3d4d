"""As much GraphQL as a twin needs: selections with arguments, projected from plain objects along a schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(r'\.\.\.|[{}()\[\]:!,=$]|"(?:[^"\\]|\\.)*"|[\w]+')


@dataclass
class Field:
    """One field of a selection."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selection: list["Field"] = field(default_factory=list)


class Refused(Exception):
    """The query does not fit the schema."""


def parse(text: str, variables: dict[str, Any]) -> tuple[str, list[Field]]:
    """The kind of operation and its fields, with variables filled in."""
    tokens = TOKEN.findall(text)
    kind = tokens[0] if tokens[0] in ("query", "mutation") else "query"
    while tokens[0] != "{":  # the declaration of variables holds none
        tokens.pop(0)
    fields = _selection(tokens, variables)
    if tokens:
        raise Refused(f"something after the operation: {tokens[:3]}")
    return kind, fields


def _selection(tokens: list[str], variables: dict[str, Any]) -> list[Field]:
    found = []
    tokens.pop(0)
    while tokens[0] != "}":
        name = tokens.pop(0)
        if name == "...":
            if tokens.pop(0) != "on":
                raise Refused("only inline fragments")
            name = f"... on {tokens.pop(0)}"
        arguments = _arguments(tokens, variables) if tokens[0] == "(" else {}
        found.append(Field(name, arguments, _selection(tokens, variables) if tokens[0] == "{" else []))
    tokens.pop(0)
    return found


def _arguments(tokens: list[str], variables: dict[str, Any]) -> dict[str, Any]:
    found = {}
    tokens.pop(0)
    while tokens[0] != ")":
        name, colon = tokens.pop(0), tokens.pop(0)
        if colon != ":":
            raise Refused(f"argument {name} without a value")
        value = tokens.pop(0)
        if value == "$":
            found[name] = variables.get(tokens.pop(0))
        else:
            found[name] = int(value) if value.isdecimal() else value.strip('"')
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return found


# a schema: type: {field: type of what it returns, "" for a scalar}; "[X]" is a list, "X*" a connection
Schema = dict[str, dict[str, str]]


def project(schema: Schema, kind: str, value: Any, fields: list[Field], connect: Callable[..., Any]) -> Any:
    """The part of an object that was asked for; `connect(value, field)` makes a connection of a list."""
    if value is None:
        return None
    result = {}
    for wanted in fields:
        if wanted.name.startswith("... on "):
            result |= project(schema, wanted.name[7:], value, wanted.selection, connect)
            continue
        if wanted.name not in schema[kind]:
            raise Refused(f"Field '{wanted.name}' doesn't exist on type '{kind}'")
        returned = schema[kind][wanted.name]
        found = value.get(wanted.name)
        if callable(found):  # what it is depends on its arguments
            found = found(wanted.arguments)
        if bool(returned) != bool(wanted.selection):
            raise Refused(f"Field '{wanted.name}' must {'not ' if not returned else ''}have selections")
        if not returned:
            result[wanted.name] = found
        elif returned.startswith("["):
            result[wanted.name] = [project(schema, returned[1:-1], v, wanted.selection, connect) for v in found]
        elif returned.endswith("*"):
            result[wanted.name] = connect(returned[:-1], found, wanted)
        else:
            result[wanted.name] = project(schema, returned, found, wanted.selection, connect)
    return result


def cost(schema: Schema, kind: str, fields: list[Field]) -> int:
    """What a query costs at most."""
    total = 0
    for wanted in fields:
        if wanted.name.startswith("... on "):
            total += cost(schema, wanted.name[7:], wanted.selection)
        elif (returned := schema[kind].get(wanted.name, "")).endswith("*"):
            nodes = next(f for f in wanted.selection if f.name == "edges").selection[0].selection
            total += 2 + wanted.arguments.get("first", 0) * (1 + cost(schema, returned[:-1], nodes))
        elif returned:
            total += 1 + cost(schema, returned.strip("[]"), wanted.selection)
    return total
