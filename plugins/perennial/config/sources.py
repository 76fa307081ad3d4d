"""config/sources.yml: the systems orders come from and how their columns map to the contract."""

from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import Field

from perennial.entry import Entry, Identifier
from perennial.sources.base import Zone
from perennial.sources.registry import kinds

# each kind has settings of its own
Source = Annotated[reduce(or_, [module.Settings for module in kinds().values()]), Field(discriminator="kind")]


class Business(Entry):
    """What a day and an amount mean to this company."""

    timezone: Zone
    day_starts_at_hour: int = Field(default=0, ge=0, le=12)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Sources(Entry):
    """The whole file."""

    business: Business
    sources: dict[Identifier, Source] = Field(min_length=1)

    @property
    def event_types(self) -> list[str]:
        """Every event type that a source delivers, sorted."""
        found: set[str] = set()
        for source in self.sources.values():
            if "events" in source.entities:
                origin = source.entities["events"].columns["event_type"]
                found |= {origin.constant} if origin.constant else set(origin.values.values())
        return sorted(found)
