"""The weekly sweep of a source: all ids it has, landed beside what changed, so that deletions and gaps show.

The ids are read before the rows of the night: what arrives in between is then known here and not there, never the other
way round, and warehouse/sweep.py leaves rows of the same night out of what may be gone.
"""

from datetime import date
from types import ModuleType

from perennial import landing
from perennial.connections import Connection
from perennial.erasure import tombstone
from perennial.erasure.salted import TokenOf
from perennial.progress import say
from perennial.sources.base import Entity, Settings
from perennial.sources.registry import connector
from perennial.warehouse import contract

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def is_due(source: Settings, as_of: date) -> bool:
    """Whether this night sweeps that source."""
    return getattr(source, "sweep", "never") == DAYS[as_of.weekday()]


def batch_of(as_of: date) -> str:
    """What the landed ids of a night are filed under."""
    return f"{as_of}.ids"


def ids_of(name: str, entity: Entity) -> Entity:
    """What is read of an entity: its key, and when it happened."""
    contracted = contract.ENTITIES[name]
    wanted = [*contracted.key, *([contracted.dated] if contracted.dated else [])]
    columns = {column: entity.columns[column] for column in wanted if column in entity.columns}
    return entity.model_copy(update={"columns": columns, "cursor": None, "exclude": []})


def why_not(kind: ModuleType, name: str) -> str | None:
    """Why an entity of that kind of source is not swept; None if it is."""
    contracted = contract.ENTITIES[name]
    if contracted.version is None and "changed_at" in contracted.key:
        return "what somebody said on a day has no id that stays"
    return getattr(kind, "NOT_SWEPT", {}).get(name)


def land(
    name: str, source: Settings, connection: Connection | None, as_of: date, token_of: TokenOf | None = None
) -> None:
    """Land the ids of every entity, unless they are landed; `token_of` tells who was erased."""
    kind = connector(source)
    asked = {entity: ids_of(entity, told) for entity, told in source.entities.items() if not why_not(kind, entity)}
    missing = {entity: ids for entity, ids in asked.items() if landing.find(name, entity, batch_of(as_of)) is None}
    if not missing:
        return
    alone = source.model_copy(update={"entities": missing})
    for entity, found in kind.ids(name, alone, connection, as_of):
        batch = landing.write(name, entity, batch_of(as_of), tombstone.hidden(name, alone, entity, found, token_of))
        say(f"extract {name}: {batch.rows:,} ids of {entity} for the weekly sweep")
