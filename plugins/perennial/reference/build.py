"""docs/reference as a whole: what it should hold, writing it, and what differs."""

from pathlib import Path

import click

from perennial.reference import commands, settings, tables

FOLDER = Path("docs/reference")
NAME = "perennial"


def pages(home: Path, root: click.Group) -> dict[str, str]:
    """Every page by file name, of the project in `home` and the commands below `root`."""
    return {
        "config.md": settings.write(home),
        "tables.md": tables.write(home),
        "commands.md": commands.write(root, NAME),
    }


def write(home: Path, root: click.Group) -> list[Path]:
    """Write the pages that are not as they should be, and name them."""
    changed = []
    for name, text in pages(home, root).items():
        path = home / FOLDER / name
        if _text(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path.relative_to(home))
    return changed


def drift(home: Path, root: click.Group) -> list[str]:
    """What is wrong with each page that the code would write otherwise: file, line and remedy."""
    problems = []
    for name, text in pages(home, root).items():
        found = _text(home / FOLDER / name)
        if found is None:
            problems.append(f"{FOLDER / name}: no such file; run `{NAME} reference`")
        elif found != text:
            line = _first_difference(found.splitlines(), text.splitlines())
            problems.append(f"{FOLDER / name}:{line}: is not what the code says; run `{NAME} reference`")
    return problems


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _first_difference(one: list[str], other: list[str]) -> int:
    same = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(same, 1) if a != b), min(len(one), len(other)) + 1)
