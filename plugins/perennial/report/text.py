"""Numbers and names as people read them; the same in both languages."""

import re
from datetime import date
from typing import Any

from perennial.lifecycle.phrases import Words

NOTHING = "–"
MAIL = re.compile(r"[^\s,;:<>\"'()]+@[^\s,;:<>\"'()]+")
PHONE = re.compile(r"\+\d(?:[ ()./-]?\d){6,}")


def masked(text: str) -> str:
    """The text without anything that looks like an e-mail address or a phone number, whoever wrote it there."""
    return PHONE.sub("[phone]", MAIL.sub("[e-mail]", text)).replace("@", "[at]")


def count(value: Any) -> str:
    """1,234."""
    return NOTHING if value is None else f"{value:,.0f}"


def number(value: Any, digits: int = 2) -> str:
    """1,234.50."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def money(value: Any, currency: str) -> str:
    """1,234 USD, with cents where they matter."""
    if value is None:
        return NOTHING
    digits = 2 if 0 < abs(value) < 100 else 0
    return f"{value:,.{digits}f} {currency}"


def share(value: Any, digits: int = 1) -> str:
    """12.3 %."""
    return NOTHING if value is None else f"{value * 100:,.{digits}f} %"


def signed(value: Any, written) -> str:
    """The value as `written` writes it, with its sign."""
    if value is None:
        return NOTHING
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{written(abs(value))}"


def compact(value: Any) -> str:
    """1.2k, 3.4M: for axes and cells."""
    if value is None:
        return NOTHING
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = float(value) / size
            told = f"{scaled:.0f}" if abs(scaled) >= 99.5 else f"{scaled:.1f}"
            return told.removesuffix(".0") + letter
    return f"{value:,.0f}"


def day(value: date | None) -> str:
    """2017-09-30."""
    return NOTHING if value is None else value.isoformat()


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def day_words(value: date) -> Words:
    """5 January 2018."""
    return Words(f"{value.day} {MONTHS[value.month - 1]} {value.year}", f"{value.year}年{value.month}月{value.day}日")


def month_words(value: date) -> Words:
    """January 2018."""
    return Words(f"{MONTHS[value.month - 1]} {value.year}", f"{value.year}年{value.month}月")


def key(customer_key: str) -> str:
    """The beginning of a customer key, enough for `perennial explain`."""
    return customer_key[:8]


def labelled(row: dict[str, Any], name: str = "label") -> Words:
    """The columns `<name>_en` and `<name>_zh` of a row."""
    return Words(row[f"{name}_en"], row[f"{name}_zh"])


def span(start: Any, end: Any, written) -> str:
    """An interval, both ends as `written` writes them."""
    return NOTHING if start is None or end is None else f"{written(start)} … {written(end)}"


def width(text: str, size: float = 12) -> float:
    """About how many pixels wide a text is, whatever fonts this machine has."""
    return size * sum(1.0 if ord(letter) > 0x2E7F else 0.6 for letter in text)


def cut(text: str, pixels: float, size: float = 12) -> str:
    """The text, or as much of it as fits."""
    if width(text, size) <= pixels:
        return text
    while text and width(text + "…", size) > pixels:
        text = text[:-1]
    return text.rstrip() + "…"
