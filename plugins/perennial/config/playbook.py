"""config/playbook.csv: what is done for whom, one row per stage of the default lifecycle model and value tier.

stage,tier            the cell; prospects have tier N, everybody else A, B or C
objective,channel     channel: email, sms or both
offer_en,offer_zh     what people are told
offer_cost            5% of the order's value, or an amount per order in the reporting currency
cadence_days          days between two messages to one person while she stays in the stage
cool_down_days        the same once she has left, or ordered
budget                people newly written to per night
exit_rule             ordered: rests once she ordered; days:30: ends so long after the first message of the stay;
                      stage_left: ends with the stage, as all do
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from perennial.config import csv_rows
from perennial.config.lifecycle import NOT_ORDERED, Lifecycle, Stage
from perennial.entry import Entry, Identifier

Objective = Literal["acquire", "convert", "retain", "grow", "recall", "refer"]
Tier = Literal["A", "B", "C", "N"]
Filled = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=730)]

REMEDY = {
    "offer_cost": "a share of the order's value such as 5%, or an amount such as 2.50",
    "exit_rule": "ordered, stage_left, or days: and a number of days such as days:30",
    "cadence_days": "whole days from 1 to 730",
    "cool_down_days": "whole days from 1 to 730",
    "budget": "a whole number of people, 0 or more",
    "offer_en": "the offer in English",
    "offer_zh": "the offer in Chinese",
}


class Cell(Entry):
    """What is done for customers of one stage and tier."""

    stage: Identifier
    tier: Tier
    objective: Objective
    channel: Literal["email", "sms", "both"]
    offer_en: Filled
    offer_zh: Filled
    offer_cost: Annotated[str, Field(pattern=r"^(\d{1,3}(\.\d+)?%|\d{1,9}(\.\d{1,4})?)$")]
    cadence_days: Days
    cool_down_days: Days
    budget: int = Field(ge=0, le=100_000_000)
    exit_rule: Annotated[str, Field(pattern=r"^(ordered|stage_left|days:[1-9]\d{0,2})$")]

    @property
    def cost_share(self) -> float | None:
        """The cost as a share of the order's value, None if it is an amount."""
        return float(self.offer_cost[:-1]) / 100 if self.offer_cost.endswith("%") else None

    @property
    def cost_amount(self) -> float | None:
        """The cost as an amount per order, None if it is a share."""
        return None if self.offer_cost.endswith("%") else float(self.offer_cost)

    @property
    def exit_days(self) -> int | None:
        """Days after which the cell ends for a person, None if it does not."""
        return int(self.exit_rule.removeprefix("days:")) if self.exit_rule.startswith("days:") else None


def read(path: Path) -> list[tuple[int, Cell]]:
    """Every row with its line; ConfigError for a row that is not as it should be, naming line, column and value."""
    return csv_rows.read(path, Cell, REMEDY, "a name such as silent")


def problems(path: Path, cells: list[tuple[int, Cell]], lifecycle: Lifecycle, margin: float) -> Iterator[str]:
    """What is wrong with the cells as a whole: some missing, twice or impossible, an offer above the margin."""
    stages = {stage.stage: tiers(stage) for stage in lifecycle.models[lifecycle.default].stages}
    seen: dict[tuple[str, str], int] = {}
    for line, cell in cells:
        at, key = f"{path}:{line}", (cell.stage, cell.tier)
        if cell.stage not in stages:
            yield f"{at}: stage: is '{cell.stage}'; accepted: {', '.join(stages)}, the stages of {lifecycle.default}"
        elif cell.tier not in stages[cell.stage]:
            yield f"{at}: tier: is '{cell.tier}'; in stage {cell.stage} accepted: {', '.join(stages[cell.stage])}"
        elif key in seen:
            yield f"{at}: stage, tier: {cell.stage} {cell.tier} stands in line {seen[key]} already; keep one of them"
        seen.setdefault(key, line)
        yield from (f"{at}: offer_cost: {problem}" for problem in _too_dear(cell, lifecycle, margin))
    missing = [
        f"{stage} {tier}" for stage, accepted in stages.items() for tier in accepted if (stage, tier) not in seen
    ]
    if missing:
        yield f"{path}: no row for {', '.join(missing)}; add one for each, every customer stands in a cell"


def tiers(stage: Stage) -> list[str]:
    """Tiers that customers of a stage can have: N is who never bought."""
    never_bought = stage.when is not None and NOT_ORDERED in (stage.when, *(stage.when.all or []))
    return ["N"] if never_bought else ["A", "B", "C"]


def _too_dear(cell: Cell, lifecycle: Lifecycle, margin: float) -> Iterator[str]:
    if cell.cost_share is not None and cell.cost_share > margin:
        yield f"is {cell.offer_cost} of an order, more than the margin of {margin:.0%} in value.yml; offer less"
    order_value = lifecycle.population[-1].order_value
    if cell.cost_amount is not None and cell.cost_amount > margin * order_value:
        yield (
            f"is {cell.offer_cost}, more than the {margin * order_value:.2f} that an order earns: margin {margin} in "
            f"value.yml times order_value {order_value} in lifecycle.yml; offer less"
        )
