"""A table of a source's database, asked for what `perennial sources add` has to know of it."""

import re
from typing import Any

import sqlalchemy as sa

from perennial.errors import ConfigError
from perennial.sources import sql
from perennial.warehouse import contract

ZONED = re.compile(r":[0-9]{2}([.][0-9]+)? ?([Zz]|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2}){0,2}) *$")


class SourceTable:
    """A table of the source; `what` names it in messages."""

    def __init__(self, what: str, engine: sa.Engine, name: str) -> None:
        self.what, self.name, self._engine = what, name, engine
        self.columns = sql.columns_of(what, engine, name)

    def values(self, column: str) -> list[str]:
        """The different values of a column."""
        return sql.values_of(self.what, self._engine, self.name, column)

    def person(self, column: str) -> str | dict[str, str]:
        """A column with the ids of persons as sources.yml should have it: an address is no id."""
        some = sql.some_of(self.what, self._engine, self.name, column)
        addresses = sum("@" in value for value in some)
        if 0 < addresses < len(some):
            raise ConfigError(
                f"{self.what}: '{column}' holds e-mail addresses among other ids. Name another column with --map, or "
                "read a view or query that tells them apart."
            )
        return {"from": column, "as": "email_key"} if addresses else column

    def without_zone(self, entity: contract.Entity, origins: dict[str, Any]) -> str | None:
        """A column that is mapped to a time and does not tell its zone."""
        named = [origins[c.name] for c in entity.columns if c.type == "timestamp" and c.name in origins]
        return next((column for column in named if isinstance(column, str) and not self._tells_zone(column)), None)

    def _tells_zone(self, column: str) -> bool:
        if isinstance(self.columns[column], sa.DateTime):
            return self.columns[column].timezone
        some = sql.some_of(self.what, self._engine, self.name, column)
        return bool(some) and all(map(ZONED.search, some))
