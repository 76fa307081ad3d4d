"""The sections of the report: every module of `sections/` is one.

A section has `ORDER` (its place), `TITLE`, `LEAD` (one sentence: what it says, what to do with it), `EMPTY` (what to do
where there is nothing to show), `QUERIES` (name to SQL, see facts.py) and `parts(rows, night)`, which makes of their
rows what is shown; an empty list shows EMPTY.
"""

import importlib
import pkgutil
from types import ModuleType

from perennial.report import sections


def load() -> dict[str, ModuleType]:
    """Every section by its name, in the order of the report."""
    names = [module.name for module in pkgutil.iter_modules(sections.__path__)]
    found = {name: importlib.import_module(f"{sections.__name__}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].ORDER))
