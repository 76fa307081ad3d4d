"""What stands in one cell of a CSV file, and can neither break its row nor run in a spreadsheet.

A spreadsheet runs what begins with one of = + - @, also behind blanks and quotes, in full width, or after a character
at which it may split a cell. Such text gets an apostrophe before it: it is shown, not run. Only text is treated so:
numbers, days and phone numbers are made here, or checked, and stay what they are.
"""

import math
import re
from collections.abc import Callable
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
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@%+-]*")  # most text: needs no closer look


def looks_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet might run it."""
    return not PLAIN.fullmatch(text) and FORMULA.search(text) is not None


def text_cell(text: str) -> tuple[str, bool]:
    """Text as a CSV file holds it, and whether it had to be kept from being run."""
    return (text, False) if PLAIN.fullmatch(text) else _careful(text)


def quoted(text: str) -> str:
    """In quotes if some reader could split it otherwise."""
    if PLAIN.fullmatch(text) or not QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def plain_cell(value: Any) -> str:
    """A value that is no text as a CSV file holds it; what is not finite is empty."""
    return OTHERS[type(value)](value)


@lru_cache(maxsize=10_000)
def _careful(text: str) -> tuple[str, bool]:
    clean = text.replace("\0", "")
    safe = FORMULA.sub(r"\1'", clean)
    return quoted(safe), safe != clean


def _number(value: float | Decimal) -> str:
    text = str(value)
    if "e" in text or "E" in text:
        return format(Decimal(text), "f")
    return text if math.isfinite(value) else ""


OTHERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "",
    bool: lambda value: str(value).lower(),
    int: str,
    float: _number,
    Decimal: _number,
    date: date.isoformat,
}
