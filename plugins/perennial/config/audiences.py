"""config/audiences.yml: who should hear from us, as typed conditions over the night's tables."""

from typing import Literal

from pydantic import Field, model_validator

from perennial.config.conditions import Range, Text
from perennial.entry import Entry, Identifier


class InStage(Entry):
    """In one of these stages of a lifecycle model tonight."""

    model: Identifier
    is_: list[Identifier] = Field(alias="is", min_length=1)


class Turning(Entry):
    """Will enter one of these stages within so many days, unless something happens."""

    model: Identifier
    into: list[Identifier] = Field(min_length=1)
    within_days: int = Field(ge=1, le=366)


class Where(Entry):
    """All given conditions must hold."""

    stage: InStage | None = None
    turning: Turning | None = None
    tier: list[Literal["A", "B", "C", "N"]] | None = Field(default=None, min_length=1)
    orders: Range | None = None
    days_since_first_order: Range | None = None
    days_since_last_order: Range | None = None

    @model_validator(mode="after")
    def _not_everybody(self) -> "Where":
        if all(getattr(self, key) is None for key in type(self).model_fields):
            raise ValueError("needs at least one condition; an audience of everybody is never meant")
        return self


class Audience(Entry):
    """One audience and where it goes."""

    label: Text
    objective: Literal["acquire", "convert", "retain", "grow", "recall", "refer"]
    purpose: Identifier
    destinations: list[Identifier] = Field(min_length=1)
    valid_days: int = Field(default=3, ge=1, le=90)  # after so many days nobody should act on it any more
    where: Where

    @model_validator(mode="after")
    def _each_once(self) -> "Audience":
        if len(set(self.destinations)) < len(self.destinations):
            raise ValueError("destinations: one stands twice; everybody would be sent twice")
        return self


class Audiences(Entry):
    """The whole file."""

    audiences: dict[Identifier, Audience] = Field(min_length=1)
