"""Pieces of Markdown, so that no text of ours is taken for markup."""

import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence

CODE = re.compile(r"(`[^`]*`)")
MARKUP = re.compile(r"([*<\\])")
ALIGNED = re.compile(r"\S {2,}\S")


def plain(text: str) -> str:
    """One line of text that reads as it is; what stands in backticks is code already."""
    parts = CODE.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") else MARKUP.sub(r"\\\1", part) for part in parts)


def code(value: object) -> str:
    """A value as code."""
    return f"`{value}`"


def prose(text: str) -> str:
    """A docstring or a comment; examples and aligned columns stay as they stand."""
    parts = re.split(r"\n\s*\n", inspect.cleandoc(text.replace("\b\n", "")))
    return "\n\n".join(_paragraph(part) for part in parts if part.strip())


def _paragraph(text: str) -> str:
    lines = text.splitlines()
    if all(line.startswith("    ") for line in lines):
        return f"```yaml\n{textwrap.dedent(text)}\n```"
    if any(ALIGNED.search(line) for line in lines):
        return f"```text\n{text}\n```"
    return plain(text)


def sentence(text: str) -> str:
    """The text as a sentence of its own."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in (".", ":", "") else ".")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown. Columns in which no row says anything are left out."""
    rows = list(rows)
    kept = [n for n in range(len(header)) if any(row[n] for row in rows)]
    lines = [[header[n] for n in kept], ["---"] * len(kept), *([row[n] for n in kept] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def heading(level: int, title: str, anchor: str) -> str:
    """A heading that links can name, whatever its title."""
    return f'{"#" * level} <a id="{anchor}"></a>{title}'


def link(title: str, anchor: str) -> str:
    """A link within the page."""
    return f"[{title}](#{anchor})"


def page(title: str, *parts: str) -> str:
    """A whole page, which says what made it."""
    made = "Written by `perennial reference` from the code, not by hand; `make lint` compares them."
    return "\n\n".join([f"# {title}", made, *(part for part in parts if part)]) + "\n"
