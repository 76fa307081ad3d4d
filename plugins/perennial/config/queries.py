"""config/audiences/<name>.sql: audiences that a query says, the keys of whom it means."""

import re
from pathlib import Path

from perennial.errors import ConfigError

STRINGS_AND_COMMENTS = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\")|--[^\n]*|/\*.*?\*/", re.DOTALL)


def read_queries(folder: Path) -> dict[str, str]:
    """The queries of audiences/*.sql by name, without comments; ConfigError for anything but one plain select."""
    queries, found = {}, []
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        try:
            if path.suffix != ".sql" or not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", path.stem):
                raise ConfigError(f"{path}: is no audience; name it as the audience, such as big_baskets.sql")
            queries[path.stem] = _query(path)
        except ConfigError as error:
            found.append(str(error))
    if found:
        raise ConfigError("\n".join(found))
    return queries


def _query(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    query = STRINGS_AND_COMMENTS.sub(lambda found: found[1] or " ", text).strip()
    plain = STRINGS_AND_COMMENTS.sub("''", query)
    if ";" in plain:
        line = next(number for number, row in enumerate(text.splitlines(), 1) if ";" in row)
        raise ConfigError(f"{path}:{line}: holds a ';'; write one select, without ';' at its end")
    if not re.match(r"(select|with)\b", plain, re.IGNORECASE):
        raise ConfigError(f"{path}:1: begins with {query[:20]!r}; accepted: one select, or with ... select")
    depth = 0
    for sign in plain:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            break
    if depth:
        raise ConfigError(f"{path}:1: its parentheses do not match; every '(' needs its ')'")
    if "$$" in plain or "/*" in plain or "'" in plain.replace("''", ""):
        raise ConfigError(f"{path}:1: a text or a comment does not end; close it, and write texts in single quotes")
    return query
