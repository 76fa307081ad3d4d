"""What a key of config/ takes, in words: its type, its limits, and what holds without it."""

from collections.abc import Callable, Iterable
from datetime import date, time
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import AfterValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from perennial.entry import Entry, Identifier
from perennial.reference.markdown import code, plain

PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", date: "day", Any: "anything"}
PLAIN |= {time: "time of day, in quotes"}
LEAST = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
NAME = get_args(Identifier)[1].metadata[0].pattern
Link = Callable[[type[Entry]], str]


def takes(annotation: Any, link: Link, metadata: Iterable[Any] = ()) -> str:
    """The type with its limits, as Markdown; `link` says how an entry with keys of its own is named."""
    limits = [limit for part in metadata for limit in (part.metadata if isinstance(part, FieldInfo) else [part])]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return takes(arguments[0], link, (*arguments[1:], *limits))
    if origin is Literal:
        base = ", ".join(code(_yaml(value)) for value in arguments)
    elif origin in (Union, UnionType):
        options = [option for option in arguments if option is not type(None)]
        if len(options) == 1:
            return takes(options[0], link, limits)
        base = " or ".join(takes(option, link) for option in options)
    elif origin in (list, tuple):
        base = f"list of {_one(takes(arguments[0], link))}"
    elif origin is dict:
        base = f"{_one(takes(arguments[1], link))} for each {_one(takes(arguments[0], link))}"
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        base = link(annotation)
    elif any(getattr(limit, "pattern", None) == NAME for limit in limits):
        base = "name"
    else:
        base = PLAIN[annotation]
    said = [*_lengths(limits, counted=origin in (list, tuple, dict)), *(word for one in limits for word in _limit(one))]
    return ", ".join([base, *said])


def without(field: FieldInfo) -> str:
    """What holds where the key does not stand in the file."""
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    if value is None:
        return "–"
    if isinstance(value, Entry):
        value = value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return code(_yaml(value)) if value else "as below"
    return code(_yaml(list(value) if isinstance(value, tuple) else value))


def _one(words: str) -> str:
    return f"({words})" if ", " in words else words


def _lengths(limits: list[Any], counted: bool) -> Iterable[str]:
    """How many entries, or letters if nothing is `counted`."""
    least = next((one.min_length for one in limits if getattr(one, "min_length", None) is not None), None)
    most = next((one.max_length for one in limits if getattr(one, "max_length", None) is not None), None)
    what = "" if counted else " letters"
    if least is not None and least == most:
        yield f"exactly {least}{what}" if counted or least > 1 else "one letter"
        return
    if least is not None:
        yield f"at least {least}{what}" if counted or least > 1 else "not empty"
    if most is not None:
        yield f"at most {most}{what}"


def _limit(limit: Any) -> Iterable[str]:
    for name, words in LEAST.items():
        if getattr(limit, name, None) is not None:
            yield words.format(_number(getattr(limit, name)))
    pattern = getattr(limit, "pattern", None)
    if pattern is not None and pattern != NAME:
        yield f"matching {code(pattern)}"
    if isinstance(limit, AfterValidator) and limit.func.__doc__:
        yield plain(limit.func.__doc__.strip().rstrip("."))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _yaml(value: Any) -> str:
    """The value as one writes it in a YAML file, on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")
