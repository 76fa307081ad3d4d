"""config/sources.yml: the systems orders come from and how their columns map to the contract."""

from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import Field, model_validator

from perennial.entry import Entry, Identifier, Misplaced
from perennial.sources.base import Zone
from perennial.sources.registry import kinds

# each kind has settings of its own
Source = Annotated[reduce(or_, [module.Settings for module in kinds().values()]), Field(discriminator="kind")]

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Business(Entry):
    """What a day and an amount mean to this company."""

    timezone: Zone
    day_starts_at_hour: int = Field(default=0, ge=0, le=12)
    currency: Currency
    other_currencies: list[Currency] = Field(default_factory=list)
    rate_holds_days: int = Field(default=7, ge=1, le=366)

    @model_validator(mode="after")
    def _others_are_others(self) -> "Business":
        """`other_currencies` names each once, and not the one that all are converted to."""
        if self.currency in self.other_currencies or len(set(self.other_currencies)) < len(self.other_currencies):
            raise ValueError("other_currencies: names each currency once, and not the one all are converted to")
        return self

    @property
    def currencies(self) -> tuple[str, ...]:
        """All that amounts may be in."""
        return (self.currency, *self.other_currencies)


class Sources(Entry):
    """The whole file."""

    business: Business
    sources: dict[Identifier, Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_convert(self) -> "Sources":
        """With `other_currencies`, a source delivers exchange_rates."""
        if self.business.other_currencies and not any("exchange_rates" in s.entities for s in self.sources.values()):
            raise Misplaced(
                "no source delivers exchange_rates; add one that does, or have amounts delivered in "
                f"{self.business.currency}",
                *("business", "other_currencies"),
            )
        return self

    @property
    def event_types(self) -> list[str]:
        """Every event type that a source delivers, sorted."""
        found: set[str] = set()
        for source in self.sources.values():
            if "events" in source.entities:
                origin = source.entities["events"].columns["event_type"]
                found |= {origin.constant} if origin.constant else set(origin.values.values())
        return sorted(found)
