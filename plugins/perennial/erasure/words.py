"""Finding an address in a text, and not another one that only holds it: joann@example.com is not ann@example.com."""

from collections.abc import Iterable

BEFORE = "(^|[^A-Za-z0-9._%+-])"
AFTER = "($|[^A-Za-z0-9._-]|[.]($|[^A-Za-z0-9]))"  # a sentence may end with it


def pattern(words: Iterable[str]) -> str:
    """A regular expression that Python, Arrow and PostgreSQL read alike; case is to be ignored. Empty for no words."""
    quoted = "|".join("".join(c if c.isalnum() or not c.isascii() else f"\\{c}" for c in word) for word in words)
    return f"{BEFORE}({quoted}){AFTER}" if quoted else ""


def likes(words: Iterable[str]) -> list[str]:
    """Patterns for LIKE that find every text with one of the words in small letters, and a few more."""
    escaped = (word.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return [f"%{word}%" for word in escaped]
