"""config/audiences.yml: who should hear from us, how often, and who is left out to measure the effect."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from perennial.config.columns import ColumnTest
from perennial.config.conditions import Range, Text
from perennial.config.playbook import Objective, Tier
from perennial.entry import Entry, Identifier, Misplaced

MARKETING = "marketing"  # the purpose that holdouts, cool-downs, limits, arbitration and quiet hours are about
Share = Annotated[float, Field(ge=0, le=0.5)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
EffectDays = Annotated[int, Field(ge=7, le=365)]  # from the draw on; as many before it are compared


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
    """All given conditions must hold. Every other key is a column of customer_360 with a test."""

    stage: InStage | None = None
    turning: Turning | None = None
    tier: list[Tier] | None = Field(default=None, min_length=1)
    orders: Range | None = None
    days_since_first_order: Range | None = None
    days_since_last_order: Range | None = None
    columns: dict[Identifier, ColumnTest] | None = None

    @model_validator(mode="before")
    @classmethod
    def _other_keys_are_columns(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "columns" in data:
            return data
        known = {key: value for key, value in data.items() if key in cls.model_fields}
        others = {key: value for key, value in data.items() if key not in cls.model_fields}
        return known | ({"columns": others} if others else {})

    @model_validator(mode="after")
    def _not_everybody(self) -> "Where":
        """At least one condition is given."""
        if all(getattr(self, key) is None for key in type(self).model_fields):
            raise ValueError("needs at least one condition; an audience of everybody is never meant")
        return self


class Cells(Entry):
    """Customers in cells of the playbook; without tiers all of these stages, without stages all of these tiers."""

    stages: list[Identifier] | None = Field(default=None, min_length=1)
    tiers: list[Tier] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _not_everybody(self) -> "Cells":
        """`stages` or `tiers` is given."""
        if self.stages is None and self.tiers is None:
            raise ValueError("needs stages or tiers; an audience of everybody is never meant")
        return self


class Audience(Entry):
    """One audience: who belongs to it, where it goes, and how often one person may.

    Who belongs to it says `where`, or `playbook`, or both; without them config/audiences/<name>.sql does. Of a playbook
    audience cool-down, budget and channel are those of each member's cell, unless they stand here.
    """

    label: Text
    objective: Objective
    purpose: Identifier
    destinations: list[Identifier] = Field(min_length=1)
    where: Where | None = None
    playbook: Cells | None = None
    priority: int = Field(default=100, ge=1, le=999)
    cool_down_days: int | None = Field(default=None, ge=0, le=730)
    budget: Count | None = None
    holdout: Share = 0
    effect_days: EffectDays = 28
    valid_days: int = Field(default=3, ge=1, le=30)
    quiet_hours: Literal["respect", "ignore"] = "respect"

    @model_validator(mode="after")
    def _each_once(self) -> "Audience":
        """No destination is named twice."""
        if len(set(self.destinations)) < len(self.destinations):
            raise ValueError("destinations: one stands twice; everybody would be sent twice")
        return self

    @model_validator(mode="after")
    def _marketing(self) -> "Audience":
        """Marketing respects the quiet hours; only of marketing is anybody held out."""
        if self.purpose == MARKETING and self.quiet_hours == "ignore":
            raise Misplaced("marketing respects the quiet hours; accepted: respect", "quiet_hours")
        if self.purpose != MARKETING and self.holdout:
            raise Misplaced(f"nobody is held out of '{self.purpose}', only of {MARKETING}; remove it", "holdout")
        return self

    @property
    def is_query(self) -> bool:
        """Whether a SQL file says who belongs to it."""
        return self.where is None and self.playbook is None


class Limit(Entry):
    """The most marketing messages on a channel to one person, of all audiences together."""

    per_day: int = Field(default=1, ge=1, le=100)
    per_7_days: int = Field(default=3, ge=1, le=100)
    per_30_days: int = Field(default=8, ge=1, le=100)

    @model_validator(mode="after")
    def _rise(self) -> "Limit":
        """A longer period allows no fewer than a shorter one."""
        if not self.per_day <= self.per_7_days <= self.per_30_days:
            raise ValueError("the longer period allows fewer than the shorter one; numbers must not fall")
        return self


class Limits(Entry):
    """By channel."""

    email: Limit = Limit()
    sms: Limit = Limit(per_day=1, per_7_days=1, per_30_days=4)


class Holdout(Entry):
    """Who gets no marketing at all, so that its effect can be measured. Another salt draws other people."""

    universal: Share = 0.05
    effect_days: EffectDays = 91
    salt: str = Field(default="perennial", pattern=r"^[A-Za-z0-9_.-]{1,40}$")


class Audiences(Entry):
    """The whole file, with the SQL files of audiences/ by name."""

    limits: Limits = Limits()
    holdout: Holdout = Holdout()
    audiences: dict[Identifier, Audience] = Field(min_length=1)
    queries: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _said_once(self) -> "Audiences":
        """An audience has `where`, `playbook` or both, else a file of its name; every file has an audience."""
        for name in self.queries.keys() - self.audiences.keys():
            raise Misplaced(f"no audience is called {name}; name it, or remove audiences/{name}.sql", "audiences")
        for name, audience in self.audiences.items():
            if audience.is_query and name not in self.queries:
                raise Misplaced(
                    f"says nobody who belongs to it; add where, playbook, or a file audiences/{name}.sql",
                    *("audiences", name),
                )
            if not audience.is_query and name in self.queries:
                raise Misplaced(
                    f"has conditions, and audiences/{name}.sql says it too; remove one of them", "audiences", name
                )
        return self
