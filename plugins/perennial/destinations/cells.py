"""What stands in one cell of a CSV file, and can neither break its row nor run in a spreadsheet.

A spreadsheet runs what begins with one of = + - @, also behind blanks and quotes, in full width, or after a character
at which it may split a cell. Such text gets an apostrophe before it: it is shown, not run. Only text is treated so:
numbers, days and phone numbers are made here, or checked, and stay what they are.
"""

import math
import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

# = + - @ and the signs that are turned into them: full and small width, raised, lowered; the minus sign
SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁺⁻⁼₊₋₌−"
# what is skipped before them: blanks of every kind, characters without width, quotes
SKIPPED = "\\s\0-\x1f\x7f\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\"'`‘’“”＂＇"
FORMULA = re.compile(f"((?:^|[,;|\t\r\n])(?=[{SKIPPED}]*[{SIGNS}])|^(?=[\t\r\n]))")
QUOTED = re.compile(r"[\",;|\t\r\n]|^\s|\s$")


def looks_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet might run it."""
    return FORMULA.search(text) is not None


@lru_cache(maxsize=10_000)
def text_cell(text: str) -> tuple[str, bool]:
    """Text as a CSV file holds it, and whether it had to be kept from being run."""
    clean = text.replace("\0", "")
    safe = FORMULA.sub(r"\1'", clean)
    return quoted(safe), safe != clean


def quoted(text: str) -> str:
    """In quotes if some reader could split it otherwise."""
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def plain_cell(value: Any) -> str | None:
    """A value that needs no care as a CSV file holds it; None if it is text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            return ""
        return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return None
