"""What comments say of keys: those in the code of a model, and those in the files of config/ as they ship."""

import ast
import inspect
import io
import itertools
import re
import textwrap
import tokenize
from pathlib import Path

import yaml

from perennial.entry import Entry

SWITCHED_OFF = re.compile(r"(\w+): .*?(?: # (.*))?$")  # a key that stands in a comment, and what is said of it


def of_model(model: type[Entry]) -> dict[str, str]:
    """By field, what its description says, else the comment beside or above it, also of models it is made from."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, Entry) and part is not Entry:
            found |= _beside_fields(part)
    return found | {name: field.description for name, field in model.model_fields.items() if field.description}


def of_file(path: Path) -> tuple[str, dict[str, str]]:
    """What a YAML file says of itself at its top, and of keys, by their names with dots between."""
    lines = path.read_text("utf-8").splitlines()
    end = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    is_of_file = end < len(lines) and not lines[end].strip()
    top = "\n".join(_block(lines, range(end), 0)) if is_of_file else ""
    found: dict[str, str] = {}
    tree = yaml.compose("\n".join(lines), Loader=yaml.SafeLoader)
    _collect(tree, (), lines, end if is_of_file else 0, found)
    return top, found


def _collect(node: yaml.Node, at: tuple[str, ...], lines: list[str], begin: int, found: dict[str, str]) -> None:
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return
    for key, value in node.value:
        path, line = (*at, key.value), key.start_mark.line
        after = value.end_mark if value.end_mark.line == line else key.end_mark
        beside = lines[line][after.column :].partition("# ")[2]
        above = _block(lines, range(line - 1, begin - 1, -1), key.start_mark.column)[::-1]
        said = [text for text in above if not SWITCHED_OFF.fullmatch(text)]
        found[".".join(path)] = "\n".join([*said, beside]).strip()
        for text in [*above, *_block(lines, range(line + 1, len(lines)), key.start_mark.column)]:
            if off := SWITCHED_OFF.fullmatch(text):
                found.setdefault(".".join((*at, off[1])), off[2] or "")
        _collect(value, path, lines, begin, found)


def _block(lines: list[str], numbers: range, indent: int) -> list[str]:
    """The comments on these lines that begin at a column, up to the first line without one."""
    begins = " " * indent + "#"
    block = itertools.takewhile(lambda text: text.startswith(begins), (lines[number] for number in numbers))
    return [text.removeprefix(begins).removeprefix(" ") for text in block]


def _beside_fields(model: type[Entry]) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(model))
    except (OSError, TypeError):
        return {}
    lines = source.splitlines()
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and "noqa" not in token.string
    }
    found = {}
    for node in ast.parse(source).body[0].body:
        if isinstance(node, ast.AnnAssign):
            above = comments.get(node.lineno - 1) if lines[node.lineno - 2].strip().startswith("#") else None
            said = comments.get(node.end_lineno) or above
            if said:
                found[node.target.id] = said
    return found
