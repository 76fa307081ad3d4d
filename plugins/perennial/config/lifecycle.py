"""config/lifecycle.yml: lifecycle models as data, with typed conditions and frozen population values."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from perennial.config.files import Entry
from perennial.config.sources import Identifier

PROSPECT = "prospect"


class Text(Entry):
    """A text people read, in both languages of the field."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Range(Entry):
    """A whole number, bounded on one or both sides."""

    at_least: int | None = Field(default=None, ge=0, le=36_500)
    at_most: int | None = Field(default=None, ge=0, le=36_500)
    exactly: int | None = Field(default=None, ge=0, le=36_500)

    @model_validator(mode="after")
    def _says_something(self) -> "Range":
        if self.exactly is None and self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least, at_most or exactly")
        if self.exactly is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("takes exactly, or at_least and at_most, not both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least} is more than at_most {self.at_most}: nothing is in between")
        return self

    @property
    def low(self) -> int | None:
        """Smallest accepted number, None if open."""
        return self.exactly if self.exactly is not None else self.at_least

    @property
    def high(self) -> int | None:
        """Largest accepted number, None if open."""
        return self.exactly if self.exactly is not None else self.at_most


class Late(Entry):
    """Silent for more than max(cycles x personal cycle, floor_days) days."""

    cycles: float = Field(default=0, ge=0, le=1000)
    floor_days: int = Field(ge=0, le=3650)


class Condition(Entry):
    """Exactly one test, or a combination of conditions."""

    all: Annotated[list["Condition"], Field(min_length=1)] | None = None
    any: Annotated[list["Condition"], Field(min_length=1)] | None = None
    not_: "Condition | None" = Field(default=None, alias="not")
    orders: Range | None = None
    tenure_days: Range | None = None
    tenure_cycles: Range | None = None
    late: Late | None = None
    trend: Literal["up", "down"] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Condition":
        given = [key for key in self.model_fields_set if getattr(self, key) is not None]
        if len(given) != 1 or len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one condition here; combine several with 'all' or 'any'")
        return self


class Stage(Entry):
    """One stage: a name that never changes, what people call it, and when a customer is in it."""

    stage: Identifier
    label: Text
    description: Text
    when: Condition | None = None
    else_: Literal[True] | None = Field(default=None, alias="else")

    @model_validator(mode="after")
    def _when_or_else(self) -> "Stage":
        if (self.when is None) == (self.else_ is None):
            raise ValueError(f"stage '{self.stage}' needs either 'when' or 'else: true'")
        return self


class LifecycleModel(Entry):
    """An ordered list of stages; the first whose condition holds is the customer's stage."""

    version: int = Field(ge=1)
    name: Text
    source: str
    stages: list[Stage] = Field(min_length=2)

    @model_validator(mode="after")
    def _well_formed(self) -> "LifecycleModel":
        names = [s.stage for s in self.stages]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"stages: '{twice[0]}' stands twice; stage names are unique in a model")
        if self.stages[-1].else_ is None:
            raise ValueError(
                f"stages: the last stage, '{names[-1]}', has a condition, so some customers would have no stage; "
                "end the list with a stage that says 'else: true'"
            )
        early = [s.stage for s in self.stages[:-1] if s.else_]
        if early:
            raise ValueError(f"stages: 'else: true' of '{early[0]}' hides all stages after it; move it to the end")
        first = self.stages[0]
        if first.stage != PROSPECT or first.when != Condition(orders=Range(exactly=0)):
            raise ValueError(
                "stages: the first stage is 'prospect' with 'when: {orders: {exactly: 0}}': "
                "who has not ordered is a prospect in every model"
            )
        return self


class Cycle(Entry):
    """How the personal cycle is estimated, in days."""

    prior_weight: float = Field(default=3, gt=0, le=100)
    shortest_days: int = Field(default=3, ge=1, le=3650)
    longest_days: int = Field(default=365, ge=1, le=3650)

    @model_validator(mode="after")
    def _in_order(self) -> "Cycle":
        return _shortest_first(self)


class Trend(Entry):
    """When spend and frequency count as rising or falling between two windows of equal length."""

    window_cycles: float = Field(default=6, gt=0, le=1000)
    shortest_days: int = Field(default=60, ge=1, le=3650)
    longest_days: int = Field(default=180, ge=1, le=3650)
    spend_up: float = Field(default=0.25, gt=0, le=1000)
    spend_down: float = Field(default=-0.40, lt=0, ge=-1)
    significance: float = Field(default=2, gt=0, le=1000)

    @model_validator(mode="after")
    def _in_order(self) -> "Trend":
        return _shortest_first(self)


def _shortest_first(setting):
    if setting.shortest_days > setting.longest_days:
        raise ValueError(f"shortest_days {setting.shortest_days} is more than longest_days {setting.longest_days}")
    return setting


class Population(Entry):
    """Population values that episodes opening from `effective_from` on are pulled towards."""

    effective_from: date | None = None
    median_gap_days: float = Field(gt=0, le=3650)
    order_value: float = Field(gt=0, allow_inf_nan=False)


class Lifecycle(Entry):
    """The whole file."""

    enabled: list[Identifier] = Field(min_length=1)
    default: Identifier
    cycle: Cycle = Cycle()
    trend: Trend = Trend()
    population: list[Population] = Field(min_length=1)
    models: dict[Identifier, LifecycleModel] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Lifecycle":
        for name in self.enabled:
            if name not in self.models:
                raise ValueError(f"enabled: unknown model '{name}'; accepted: {', '.join(self.models)}")
        if len(set(self.enabled)) < len(self.enabled):
            raise ValueError("enabled: a model stands twice")
        if self.default not in self.enabled:
            raise ValueError(f"default: '{self.default}' is not enabled; accepted: {', '.join(self.enabled)}")
        starts = [p.effective_from for p in self.population]
        if starts[0] is not None or None in starts[1:]:
            raise ValueError("population: the first row, and only the first, has no effective_from")
        if starts[1:] != sorted(set(starts[1:])):
            raise ValueError("population: effective_from must rise from row to row")
        return self
