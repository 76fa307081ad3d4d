"""Reading a source again from a day on: its stored cursors are set back, and the next night reads what changed since.

What is known already and comes unchanged is stored once, so nothing doubles. A cursor never moves forward by this. A
night that has landed its rows and not loaded them yet would move it on again: set it back between nights.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from perennial.errors import ConfigError
from perennial.sources.base import Settings
from perennial.warehouse.database import connect

BACK = """
    update ops.cursors set position = jsonb_set(position, '{newest}', to_jsonb(%s::text))
    where source = %s and entity = %s and (position ->> 'newest')::timestamptz > %s
    returning entity
"""


def rewind(name: str, source: Settings, entities: list[str], since: date) -> list[str]:
    """Entities of the source, all if none is named, that will be read again from the beginning of that day on.

    Raises ConfigError for an entity that the source has not, and where none has a cursor to set back.
    """
    if unknown := sorted(set(entities) - set(source.entities)):
        raise ConfigError(f"source '{name}' has no entity '{unknown[0]}'; it has {', '.join(source.entities)}")
    if source.kind == "files":
        raise ConfigError(f"source '{name}': a file is read again when it is delivered again, whatever the day")
    begin = datetime(since.year, since.month, since.day, tzinfo=ZoneInfo(source.timezone))
    with connect() as session:
        back = [
            entity
            for entity in entities or source.entities
            if session.execute(BACK, [begin.isoformat(), name, entity, begin]).fetchone()
        ]
    if not back:
        raise ConfigError(
            f"source '{name}': no cursor lies after {since}. What has none is read whole every night, and what was "
            "never loaded comes with the next."
        )
    return back
