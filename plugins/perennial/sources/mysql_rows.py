"""What MySQL and MariaDB need to be told and asked so that their moments are moments."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

DIALECTS = ("mysql", "mariadb")
TIMESTAMP = 7  # field type of the protocol; the server turns it into the zone of the session, DATETIME it leaves alone


def prepare(session: sa.Connection) -> None:
    """Have moments told in UTC."""
    if session.dialect.name in DIALECTS:
        session.execute(sa.text("set time_zone = '+00:00'"))


def moments(session: sa.Connection, result: sa.CursorResult) -> set[str]:
    """Columns of a result that hold moments in UTC, though their values have no zone."""
    if session.dialect.name not in DIALECTS:
        return set()
    return {column[0] for column in result.cursor.description if column[1] == TIMESTAMP}


def with_zone(rows: list[Any], places: Iterable[int]) -> list[Any]:
    """Rows whose moments say that they are in UTC."""
    places = set(places)
    if not places:
        return rows
    return [tuple(_in_utc(v) if n in places else v for n, v in enumerate(row)) for row in rows]


def as_stored(moment: datetime, is_utc: bool) -> datetime:
    """A moment as such a column is compared with."""
    return moment.astimezone(UTC).replace(tzinfo=None) if is_utc and moment.tzinfo else moment


def _in_utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
