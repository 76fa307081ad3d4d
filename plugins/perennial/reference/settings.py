"""config.md: every file of config/ with its keys, types, limits and defaults, as the models say that read it."""

import inspect
from collections.abc import Callable
from pathlib import Path

from perennial.config import columns, identity, overrides, playbook, queries
from perennial.config.alerts import Alerts
from perennial.config.audiences import Audiences
from perennial.config.destinations import Destinations
from perennial.config.lifecycle import Lifecycle, LifecycleModel
from perennial.config.quiet_hours import QuietHours
from perennial.config.sources import Sources
from perennial.config.value import Value
from perennial.destinations.layouts import PRESETS, Layout
from perennial.entry import Entry
from perennial.reference import comments, entries
from perennial.reference.markdown import code, heading, link, page, plain, prose, table
from perennial.reference.words import NAME
from perennial.warehouse import contract

FILES: dict[str, type[Entry] | None] = {
    "sources.yml": Sources,
    "lifecycle.yml": Lifecycle,
    "lifecycle/<name>.yml": LifecycleModel,
    "audiences.yml": Audiences,
    "audiences/<name>.sql": None,
    "playbook.csv": playbook.Cell,
    "destinations.yml": Destinations,
    "value.yml": Value,
    "quiet_hours.yml": QuietHours,
    "alerts.yml": Alerts,
    "identity.yml": identity.Identity,
    "identity_overrides.csv": overrides.Override,
}
ELSEWHERE = {
    "lifecycle.yml": {"models": "`lifecycle/<name>.yml`"},
    "audiences.yml": {"queries": "`audiences/<name>.sql`"},
}
INTRODUCTION = f"""`perennial check` reads all of it, and names file, line, key, value and remedy of what is wrong; a
night does the same before anything runs. Unknown keys are refused. Secrets stand in connections, never here. A name
matches `{NAME}`."""


def write(home: Path) -> str:
    """The page of the project in `home`; what the shipped files say in comments is on it."""
    contents = "\n".join(f"- {link(plain(f'config/{file}'), _anchor(file))}" for file in FILES)
    seen: set[type[Entry]] = set()
    parts = [_file(home / "config", file, model, seen) for file, model in FILES.items()]
    return page("Configuration", plain(INTRODUCTION), contents, *parts)


def _file(folder: Path, file: str, model: type[Entry] | None, seen: set[type[Entry]]) -> str:
    path, elsewhere = folder / file, ELSEWHERE.get(file, {})
    top, told = comments.of_file(path) if path.suffix == ".yml" and path.exists() else ("", {})
    module = inspect.getmodule(model or queries.read_queries)
    rest = inspect.cleandoc(module.__doc__).partition(": ")[2]
    parts = [heading(2, plain(f"config/{file}"), _anchor(file)), prose(top or rest[:1].upper() + rest[1:])]
    for inner, at in entries.places(model, elsewhere).items() if model else ():
        if inner not in seen:
            seen.add(inner)
            parts.append(entries.section(inner, at, told, elsewhere))
    return "\n\n".join(part for part in [*parts, *MORE.get(file, list)()] if part)


def _contract() -> list[str]:
    """What sources deliver: the entities that their columns are mapped to."""
    parts = [
        heading(3, "Entities and their columns", "contract"),
        "What `entities` and their `columns` can be. A row that breaks a rule is quarantined with its reason.",
    ]
    for entity in contract.ENTITIES.values():
        rows = [
            [code(c.name), c.type.replace("_", " "), "required" if c.required else "", _accepted(c)]
            for c in entity.columns
        ]
        parts.append(f"`{entity.name}`: one row per {', '.join(map(code, entity.key))} of the source.")
        parts.append(table(["column", "type", "", "accepted"], rows))
    return parts


def _accepted(column: contract.Column) -> str:
    said = [", ".join(map(code, column.choices))] if column.choices else []
    said += ["not in the future"] if column.past else []
    said += ["not negative"] if column.positive else []
    said += ["types that `values` or a `constant` name"] if column.declared else []
    return "; ".join(said)


def _tests() -> list[str]:
    """What can be asked of columns of customer_360."""
    rows = [[kind, ", ".join(map(code, tests))] for kind, tests in columns.KINDS.items()]
    return [heading(3, "Tests by type of column", "column-tests"), table(["column", "tests"], rows)]


def _layouts() -> list[str]:
    """The layout of files, of which presets are examples."""
    told = "Keys of `layout`, on top of what the preset says."
    rows = [[code(name), ", ".join(f"`{header}`" for header in preset["columns"])] for name, preset in PRESETS.items()]
    presets = [heading(3, "Presets of files", "presets"), table(["preset", "its columns before attributes"], rows)]
    return [entries.section(Layout, ["destinations.<name>.layout"], {}, {}), told, *presets]


MORE: dict[str, Callable[[], list[str]]] = {
    "sources.yml": _contract,
    "audiences.yml": _tests,
    "destinations.yml": _layouts,
}


def _anchor(file: str) -> str:
    return "".join(sign for sign in file if sign not in "<>").replace("/", "-")
