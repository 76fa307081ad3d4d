"""Extract one source for one night: read what changed, land it. Landing again returns what was landed."""

from datetime import date

from perennial import landing
from perennial.connections import Connection
from perennial.erasure import salted, tombstone
from perennial.landing import Batch
from perennial.progress import say
from perennial.sources import sweep
from perennial.sources.base import Settings
from perennial.sources.registry import connector
from perennial.warehouse import loader


def extract(name: str, source: Settings, connection: Connection | None, as_of: date) -> list[Batch]:
    """All batches of source `name` for the night `as_of`, in the order of its entities.

    Entities that are already landed or loaded are not read again: the landing zone is immutable. Customers who were
    erased are landed as tombstones.
    """
    batches = {entity: landing.find(name, entity, as_of) for entity in source.entities}
    missing = {
        entity: source.entities[entity]
        for entity, batch in batches.items()
        if batch is None and loader.find(f"{name}.{entity}.{as_of}") is None
    }
    if missing:
        token_of = salted.erased()
        if sweep.is_due(source, as_of) and not any(batches.values()):
            sweep.land(name, source, connection, as_of, token_of)
        pending = source.model_copy(update={"entities": missing})
        stored = loader.positions(name)
        for entity, rows in connector(source).open(name, pending, connection, stored, as_of):
            clean = tombstone.hidden(name, source, entity, rows, token_of)
            batch = batches[entity] = landing.write(name, entity, as_of, clean)
            say(f"extract {name}: {batch.rows:,} {entity}")
            for note in batch.notes:
                say(f"extract {name}: note: {note}")
    else:
        say(f"extract {name}: already landed")
    return [batch for batch in batches.values() if batch]
