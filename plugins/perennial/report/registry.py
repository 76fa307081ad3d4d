"""The sections of the report: every module of `sections/` is one.

A section has `ORDER` (its place), `TITLE`, `LEAD` (one sentence: what it says, what to do with it), `EMPTY` (what to do
where there is nothing to show), `QUERIES` (name to SQL, see facts.py) and `parts(rows, night)`, which makes of their
rows what is shown; an empty list shows EMPTY.
"""

from types import ModuleType

from perennial.kinds import modules
from perennial.report import sections


def load() -> dict[str, ModuleType]:
    """Every section by its name, in the order of the report."""
    return dict(sorted(modules(sections).items(), key=lambda item: item[1].ORDER))
