"""Read a YAML file of config/ into a model; complain with file, line, key, value and what is accepted."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from perennial.entry import Entry
from perennial.errors import ConfigError

Model = TypeVar("Model", bound=Entry)
Path_ = tuple[Any, ...]


def read(path: Path, model: type[Model], **more: Any) -> Model:
    """The file at `path`, and `more` entries that stand elsewhere, as a `model`.

    Raises ConfigError for anything that is not as it should be.
    """
    data, lines = _parsed(path)
    if more and isinstance(data, dict):
        for key in more.keys() & data.keys():
            raise ConfigError(f"{path}:{lines[(key,)]}: '{key}' does not belong here: each stands in a file of its own")
        data |= more
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_explain(path, lines, problem, data, model) for problem in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(problems))) from None


def place(path: Path, *at: str | int) -> str:
    """Where an entry of a valid file stands, as messages name it: file, line and key."""
    _, lines = _parsed(path)
    return f"{path}:{_line(lines, at)}: {'.'.join(map(str, at))}"


def _parsed(path: Path) -> tuple[Any, dict[Path_, int]]:
    """What the file says, and the line of every entry."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Copy it from the repository's config/ folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
        lines: dict[Path_, int] = {}
        if tree is not None:
            _collect(tree, (), lines, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML: {getattr(error, 'problem', error)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: holds a value that YAML cannot read: {error}. Put it in quotes.") from None
    return data, lines


def _line(lines: dict[Path_, int], at: Path_) -> int:
    """The line of the entry, or of the nearest one around it."""
    return next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 1)


def _collect(node: yaml.Node, at: Path_, lines: dict[Path_, int], path: Path) -> None:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(
                    f"{path}:{key.start_mark.line + 1}: '{key.value}' stands twice; the second would hide the first. "
                    "Remove one of them."
                )
            seen.add(key.value)
            _collect(value, (*at, key.value), lines, path)
            lines[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect(value, (*at, index), lines, path)


def _explain(path: Path, lines: dict[Path_, int], problem: dict, data: Any, model: type[Entry]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    loc = _real((*problem["loc"], *getattr(context.get("error"), "at", ())), data)
    if kind.startswith("union_tag"):
        loc = (*loc, context["discriminator"].strip("'"))
    line = _line(lines, loc)
    key = ".".join(str(part) for part in loc) or "the file"
    if kind == "extra_forbidden":
        accepted = ", ".join(_accepted(model, loc[:-1], data))
        what = f"unknown key '{loc[-1]}'" + (f"; accepted: {accepted}" if accepted else "")
    elif kind in ("missing", "union_tag_not_found"):
        what = "is missing; add it"
    elif kind in ("literal_error", "union_tag_invalid"):
        accepted = context.get("expected") or context.get("expected_tags")
        what = f"is {_value(data, loc)!r}; accepted: {accepted}"
    elif problem["loc"] and problem["loc"][-1] == "[key]":
        what = f"the key {problem['loc'][-2]!r} is not read as text; put it in quotes"
    elif kind == "value_error":
        what = str(context.get("error", problem["msg"]))
    else:
        what = f"is {_value(data, loc)!r}: {problem['msg']}"
    return f"{path}:{line}: {key}: {what}"


def _real(loc: Path_, data: Any) -> Path_:
    """`loc` without the names pydantic adds for union members: only what can be walked in the file."""
    real: list[Any] = []
    for index, part in enumerate(loc):
        in_mapping = isinstance(data, dict) and part in data
        in_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if in_mapping or in_list:
            data = data[part]
        elif index != len(loc) - 1 or isinstance(data, str | int | float | bool):
            continue
        real.append(part)
    return tuple(real)


def _value(data: Any, loc: Path_) -> Any:
    for part in loc:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _accepted(model: Any, loc: Path_, data: Any) -> list[str]:
    """The keys accepted at `loc`, by walking the model; empty where a union makes that ambiguous."""
    current: Any = model
    for part in loc:
        fields = getattr(current, "model_fields", None)
        if fields is not None:
            field = next((f for n, f in fields.items() if part in (n, f.alias)), None)
            current = field.annotation if field else None
        else:
            arguments = getattr(current, "__args__", ())
            current = arguments[-1] if arguments else None
        data = _value(data, (part,))
        options = [a for a in getattr(current, "__args__", ()) if a is not type(None)]
        if len(options) == 1 and getattr(options[0], "__args__", ()) and hasattr(current, "__metadata__"):
            options = [a for a in options[0].__args__ if _is_of_kind(a, data)]  # a union of kinds
        if len(options) == 1 and getattr(current, "__origin__", None) not in (dict, list, tuple):
            current = options[0]
    fields = getattr(current, "model_fields", {})
    return sorted(f.alias or n for n, f in fields.items())


def _is_of_kind(model: Any, data: Any) -> bool:
    kind = getattr(model, "model_fields", {}).get("kind")
    return kind is not None and isinstance(data, dict) and data.get("kind") in getattr(kind.annotation, "__args__", ())
