"""What the code writes, docs/reference and the exposures of dbt: what it should hold, writing it, and what differs."""

from pathlib import Path

import click

from perennial.reference import commands, exposures, settings, tables

FOLDER = Path("docs/reference")
NAME = "perennial"


def pages(home: Path, root: click.Group) -> dict[str, str]:
    """Every page by its path in the project, of the one in `home` and the commands below `root`."""
    return {
        f"{FOLDER}/config.md": settings.write(home),
        f"{FOLDER}/tables.md": tables.write(home),
        f"{FOLDER}/commands.md": commands.write(root, NAME),
        str(exposures.FILE): exposures.write(home),
    }


def write(home: Path, root: click.Group) -> list[Path]:
    """Write the pages that are not as they should be, and name them."""
    changed = []
    for name, text in pages(home, root).items():
        path = home / name
        if _text(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path.relative_to(home))
    return changed


def drift(home: Path, root: click.Group) -> list[str]:
    """What is wrong with each page that the code would write otherwise: file, line and remedy."""
    problems = []
    for name, text in pages(home, root).items():
        found = _text(home / name)
        if found is None:
            problems.append(f"{name}: no such file; run `{NAME} reference`")
        elif found != text:
            line = _first_difference(found.splitlines(), text.splitlines())
            problems.append(f"{name}:{line}: is not what the code says; run `{NAME} reference`")
    return problems


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _first_difference(one: list[str], other: list[str]) -> int:
    same = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(same, 1) if a != b), min(len(one), len(other)) + 1)
