"""The keys of entries of config/, one table per model, each in the file in which it is met first."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

from perennial.entry import Entry
from perennial.reference import comments
from perennial.reference.markdown import code, heading, plain, prose, sentence, table
from perennial.reference.markdown import link as to
from perennial.reference.words import takes, without

PLACES_SHOWN = 3


def anchor(model: type[Entry]) -> str:
    """The name that links have for the section of a model."""
    return "-".join([*model.__module__.split(".")[1:], model.__name__]).lower()


def title(model: type[Entry]) -> str:
    """What people call the model: its kind, or its name in words."""
    kinds = get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
    return f"kind `{kinds[0]}`" if kinds else re.sub(r"(?<!^)(?=[A-Z])", " ", model.__name__).capitalize()


def places(model: type[Entry], elsewhere: dict[str, str]) -> dict[type[Entry], list[str]]:
    """Every model within `model`, and where in the file it stands; keys in `elsewhere` are not of this file."""
    found: dict[type[Entry], list[str]] = {model: [""]}
    _walk(model, "", elsewhere, found)
    return found


def _walk(model: type[Entry], at: str, elsewhere: dict[str, str], found: dict[type[Entry], list[str]]) -> None:
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in elsewhere and not at:
            continue
        for inner, below in _within(field.annotation, f"{at}.{key}".lstrip(".")):
            known = inner in found
            found.setdefault(inner, []).append(below)
            if not known:
                _walk(inner, below, elsewhere, found)


def _within(annotation: Any, at: str) -> Iterator[tuple[type[Entry], str]]:
    """The models that an annotation names, and where they stand."""
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        yield annotation, at
        return
    origin = getattr(annotation, "__origin__", None)
    below = {dict: f"{at}.<name>", list: f"{at}[]", tuple: f"{at}[]"}.get(origin, at)
    for argument in getattr(annotation, "__args__", ()):
        yield from _within(argument, below)


def section(model: type[Entry], at: list[str], told: dict[str, str], elsewhere: dict[str, str]) -> str:
    """A model: what it is, where it stands, its keys. `told` is what the shipped file says of keys."""
    at = list(dict.fromkeys(at))
    shown = [code(place) for place in at if place][:PLACES_SHOWN]
    said = inspect.cleandoc(model.__doc__ or "")
    module = inspect.getmodule(model)
    is_kind = title(model).startswith("kind")
    parts = [
        heading(3, title(model)[0].upper() + title(model)[1:], anchor(model)) if shown else "",
        f"At {', '.join(shown)}{' and elsewhere' if len(at) > len(shown) else ''}." if shown else "",
        prose(inspect.cleandoc(module.__doc__ or "")) if is_kind else "",
        prose(said) if not said.startswith("The whole file") else "",
        *(prose(sentence(told[place])) for place in at[:1] if told.get(place)),
        table(["key", "takes", "without it", "what it is"], _rows(model, at, told, elsewhere)),
        "\n".join(f"- {plain(sentence(rule))}" for rule in _rules(model)),
    ]
    return "\n\n".join(part for part in parts if part)


def _rules(model: type[Entry]) -> list[str]:
    """What the model refuses besides, where its validators say it."""
    made = model.__pydantic_decorators__
    validators = [*made.field_validators.values(), *made.model_validators.values()]
    said = [inspect.getdoc(validator.func) for validator in validators if validator.info.mode == "after"]
    return [" ".join(text.split()) for text in said if text]


def _rows(model: type[Entry], at: list[str], told: dict[str, str], elsewhere: dict[str, str]) -> Iterator[list[str]]:
    beside = comments.of_model(model)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if at == [""] and key in elsewhere:
            yield [code(key), elsewhere[key], "", "a file each, not a key of this one"]
            continue
        said = next((told[p] for p in (f"{place}.{key}".lstrip(".") for place in at) if told.get(p)), "")
        below = isinstance(field.annotation, type) and issubclass(field.annotation, Entry)
        words = plain(beside.get(name) or ("" if below else said))
        if name == "entities" and hasattr(model, "delivers"):
            yield [code(key), f"list of ({', '.join(map(code, model.delivers))})", "all of them", words]
            continue
        yield [code(key), takes(field.annotation, _link, field.metadata), without(field), words]


def _link(model: type[Entry]) -> str:
    return to(title(model), anchor(model))
