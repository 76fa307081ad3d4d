"""Nights that read an example into the warehouse."""

from datetime import date, timedelta

from examples.shop import NIGHT, Example
from perennial.sources.extract import extract
from perennial.warehouse import loader, sweep

SUNDAY = NIGHT + timedelta(6)


def night(example: Example, as_of: date = NIGHT, **settings) -> dict[str, loader.Loaded]:
    """Extract, load, and on a Sunday compare all ids."""
    source = example.settings(**settings)
    batches = extract("it", source, example.connection(), as_of)
    loaded = {batch.entity: loader.load(batch, source, ("USD",)) for batch in batches}
    sweep.compare("it", source, as_of)
    return loaded
