"""Read a CSV file of config/ into models; complain with file, line, column, value and what is accepted."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from perennial.entry import Entry
from perennial.errors import ConfigError

Row = TypeVar("Row", bound=Entry)


def read(path: Path, model: type[Row], remedy: dict[str, str], usual: str) -> list[tuple[int, Row]]:
    """Every row with its line. `remedy` says per column what is accepted, `usual` what where it does not.

    Raises ConfigError for a row that is not as it should be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Copy it from the repository's config/ folder.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    rows = csv.reader(io.StringIO(text), strict=True)
    columns = list(model.model_fields)
    try:
        lines = list(_lines(rows))
    except csv.Error as error:
        raise ConfigError(f"{path}:{rows.line_num}: is no CSV: {error}") from None
    if not lines or lines[0][1] != columns:
        raise ConfigError(f"{path}:1: the header is {lines[0][1] if lines else []}; it has to be {','.join(columns)}")
    found, problems = [], []
    for line, values in lines[1:]:
        if len(values) != len(columns):
            problems.append(
                f"{path}:{line}: has {len(values)} values for {len(columns)} columns; quote texts with commas"
            )
            continue
        row = dict(zip(columns, (value.strip() for value in values), strict=True))
        try:
            found.append((line, model.model_validate(row)))
        except ValidationError as error:
            problems += [f"{path}:{line}: {_explain(problem, row, remedy, usual)}" for problem in error.errors()]
    if problems:
        raise ConfigError("\n".join(problems))
    return found


def _lines(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the line it begins on."""
    begins = 1
    for values in rows:
        if any(value.strip() for value in values):
            yield begins, values
        begins = rows.line_num + 1


def _explain(problem: dict, row: dict[str, str], remedy: dict[str, str], usual: str) -> str:
    column = problem["loc"][0]
    expected = problem.get("ctx", {}).get("expected")
    if not row[column]:
        return f"{column}: is empty; give {remedy.get(column) or expected or 'a value'}"
    return f"{column}: is {row[column]!r}; accepted: {expected or remedy.get(column, usual)}"
