"""config/lifecycle.yml and config/lifecycle/*.yml: lifecycle models as data, with frozen population values."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from perennial.config.conditions import Condition, Range, Text, event_conditions, leaves
from perennial.entry import Entry, Identifier, Misplaced

PROSPECT = "prospect"
PHASES = ("potential", "growing", "stable", "declining", "lost")
Phase = Literal["potential", "growing", "stable", "declining", "lost"]

# events nobody has to deliver: the warehouse knows them from orders, refunds, customers and consents
OWN_EVENTS = ("registration", "refund", "cancellation", "unsubscribe")


class Stage(Entry):
    """One stage: a name that never changes, what people call it, and when a customer is in it.

    `phase` says what the stage means in any model, so that statistics can tell winning back from losing.
    """

    stage: Identifier
    label: Text
    description: Text
    phase: Phase
    when: Condition | None = None
    else_: Literal[True] | None = Field(default=None, alias="else")

    @model_validator(mode="after")
    def _when_or_else(self) -> "Stage":
        """Either `when` or `else: true`."""
        if (self.when is None) == (self.else_ is None):
            raise ValueError(f"stage '{self.stage}' needs either 'when' or 'else: true'")
        return self


class LifecycleModel(Entry):
    """An ordered list of stages; the first whose condition holds is the customer's stage.

    `optional_events` are events the model makes use of where a source delivers them; conditions on the missing ones
    never hold. All other events it names must be delivered.
    """

    version: int = Field(ge=1)
    name: Text
    source: str = Field(min_length=1)
    optional_events: list[Identifier] = Field(default_factory=list)
    stages: list[Stage] = Field(min_length=2)

    @model_validator(mode="after")
    def _well_formed(self) -> "LifecycleModel":
        """Stages have different names. The last one, and no other, says `else: true`.

        The first is `prospect`, with `when: {orders: {exactly: 0}}`; before it only stages that ask for that and an
        event.
        """
        names = [s.stage for s in self.stages]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise Misplaced(f"'{name}' stands twice; stage names are unique in a model", "stages", index)
        if self.stages[-1].else_ is None:
            raise Misplaced(
                f"the last stage, '{names[-1]}', has a condition, so some customers would have no stage; "
                "end the list with a stage that says 'else: true'",
                *("stages", len(names) - 1),
            )
        for index, stage in enumerate(self.stages[:-1]):
            if stage.else_:
                raise Misplaced(
                    f"'else: true' of '{stage.stage}' hides all stages after it; move it to the end", "stages", index
                )
        self._begins_with_prospects(names)
        return self

    def _begins_with_prospects(self, names: list[str]) -> None:
        """Who has not ordered is a prospect, unless an event says more about her."""
        index = names.index(PROSPECT) if PROSPECT in names else 0
        stage = self.stages[index]
        if stage.stage != PROSPECT or stage.when != NOT_ORDERED:
            raise Misplaced(
                f"is '{stage.stage}'; the first stage must be named 'prospect' and have "
                "'when: {orders: {exactly: 0}}': who has not ordered is a prospect in every model",
                *("stages", index),
            )
        for before, earlier in enumerate(self.stages[:index]):
            parts = earlier.when.all or []
            if NOT_ORDERED not in parts or not any(part.event for part in parts):
                raise Misplaced(
                    f"'{earlier.stage}' stands before 'prospect', so it needs "
                    "'all: [{orders: {exactly: 0}}, {event: ...}]': only an event tells two prospects apart",
                    *("stages", before),
                )

    @property
    def events(self) -> list[str]:
        """Every event type the conditions name, sorted."""
        return sorted({name for s in self.stages if s.when for name in event_conditions(s.when)})

    @property
    def decline_path(self) -> dict[str, int]:
        """The stages of a fading customer, from 1: the stable ones (all 1), then declining and lost ones, worst last.

        Rules are written with the worst first, so that it wins.
        """
        fading = [s.stage for s in reversed(self.stages) if s.phase in ("declining", "lost")]
        return {s.stage: 1 for s in self.stages if s.phase == "stable"} | {name: n for n, name in enumerate(fading, 2)}


NOT_ORDERED = Condition(orders=Range(exactly=0))


class Cycle(Entry):
    """How the personal cycle is estimated, in days."""

    prior_weight: float = Field(default=3, gt=0, le=100)
    shortest_days: int = Field(default=3, ge=1, le=3650)
    longest_days: int = Field(default=365, ge=1, le=3650)

    @model_validator(mode="after")
    def _in_order(self) -> "Cycle":
        """`shortest_days` is at most `longest_days`."""
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
        """`shortest_days` is at most `longest_days`."""
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
    """The settings of lifecycle.yml together with the models, one file each in lifecycle/."""

    enabled: list[Identifier] = Field(min_length=1)
    default: Identifier
    cycle: Cycle = Cycle()
    trend: Trend = Trend()
    population: list[Population] = Field(min_length=1)
    models: dict[Identifier, LifecycleModel] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Lifecycle":
        """`enabled` names models that are there, each once, and `default` is one of them.

        Of `population` the first row, and no other, has no `effective_from`, which rises from row to row.
        """
        for index, name in enumerate(self.enabled):
            if name not in self.models:
                raise Misplaced(f"unknown model '{name}'; accepted: {', '.join(self.models)}", "enabled", index)
        if len(set(self.enabled)) < len(self.enabled):
            twice = next(name for name in self.enabled if self.enabled.count(name) > 1)
            raise Misplaced(f"'{twice}' stands twice; name every model once", "enabled")
        if self.default not in self.enabled:
            raise Misplaced(f"'{self.default}' is not enabled; accepted: {', '.join(self.enabled)}", "default")
        starts = [p.effective_from for p in self.population]
        if starts[0] is not None or None in starts[1:]:
            raise Misplaced("the first row, and only the first, has no effective_from", "population")
        if starts[1:] != sorted(set(starts[1:])):
            raise Misplaced("effective_from must rise from row to row", "population")
        return self

    @property
    def events(self) -> list[str]:
        """Every event type an enabled model names: these open episodes."""
        return sorted({event for name in self.enabled for event in self.models[name].events})

    @property
    def uses_recent_spend(self) -> bool:
        """Whether an enabled model asks for the spend of the last 365 days, which takes a sum of its own."""
        conditions = [s.when for name in self.enabled for s in self.models[name].stages if s.when]
        return any(c.value and c.value.of == "last_365_days" for when in conditions for c in leaves(when))
