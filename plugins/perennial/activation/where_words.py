"""Why a customer meets the conditions of an audience or not, one by one, in English and Chinese."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from perennial.activation.column_words import column_words
from perennial.config.audiences import Audience, Cells, InStage, Turning, Where
from perennial.config.columns import ColumnTest
from perennial.config.conditions import Range
from perennial.config.lifecycle import LifecycleModel
from perennial.lifecycle.phrases import Words, against, days, joined


@dataclass(frozen=True)
class Course:
    """Where she stands in a lifecycle model, and what comes next if nothing happens (None: nothing)."""

    stage: str
    next_stage: str | None
    next_stage_on: date | None


@dataclass(frozen=True)
class Candidate:
    """A customer as the conditions of audiences see her on a night; courses by lifecycle model."""

    as_of: date
    tier: str
    orders: int
    days_since_first_order: int | None
    days_since_last_order: int | None
    courses: dict[str, Course]
    columns: dict[str, Any] = field(default_factory=dict)  # her row of customer_360
    queried: frozenset[str] = frozenset()  # audiences whose query names her


@dataclass(frozen=True)
class Check:
    """One condition of an audience and what it came to."""

    condition: str
    holds: bool
    words: Words


def audience_checks(
    name: str, audience: Audience, she: Candidate, models: dict[str, LifecycleModel], default: str
) -> list[Check]:
    """Everything that decides whether an audience means her; `default` is the lifecycle model of the playbook."""
    if audience.is_query:
        file, holds = f"audiences/{name}.sql", name in she.queried
        words = (
            Words(f"{file} names her", f"{file} 选中此客户")
            if holds
            else Words(f"{file} does not name her", f"{file} 未选中此客户")
        )
        return [Check("query", holds, words)]
    found = _cells(audience.playbook, she, models, default) if audience.playbook else []
    return found + (checks(audience.where, she, models) if audience.where else [])


def _cells(cells: Cells, she: Candidate, models: dict[str, LifecycleModel], default: str) -> list[Check]:
    found = []
    if cells.stages:
        found.append(Check("playbook", *_stage(InStage(model=default, is_=cells.stages), she, models)))
    if cells.tiers:
        found.append(Check("playbook", *_tier(cells.tiers, she, models)))
    return found


def checks(where: Where, she: Candidate, models: dict[str, LifecycleModel]) -> list[Check]:
    """Every condition that the audience asks for, in the order of the schema."""
    found = []
    for name in Where.model_fields:
        asked = getattr(where, name)
        if asked is not None:
            holds, words = KINDS[name](asked, she, models)
            found.append(Check(name, holds, words))
    return found


Outcome = tuple[bool, Words]


def _columns(asked: dict[str, ColumnTest], she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    told = [column_words(name, test, she.columns.get(name), she.as_of) for name, test in asked.items()]
    decisive = [words for holds, words in told if not holds] or [words for _, words in told]
    return all(holds for holds, _ in told), joined(decisive)


def _stage(asked: InStage, she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    course, model = she.courses.get(asked.model), models[asked.model]
    if course is None:
        return False, Words(f"no stage in {model.name.en}", f"在{model.name.zh}中无阶段")
    here, wanted = _label(model, course.stage), _labels(model, asked.is_)
    if course.stage in asked.is_:
        return True, Words(f"{model.name.en}: {here.en}", f"{model.name.zh}：{here.zh}")
    return False, Words(f"{model.name.en}: {here.en}, not {wanted.en}", f"{model.name.zh}：{here.zh}，不是{wanted.zh}")


def _turning(asked: Turning, she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    course, model = she.courses.get(asked.model), models[asked.model]
    wanted = _labels(model, asked.into)
    if course is None or course.next_stage is None:
        return False, Words(
            f"{model.name.en}: nothing ahead, not {wanted.en}", f"{model.name.zh}：之后不再变化，不会转入{wanted.zh}"
        )
    ahead, coming = (course.next_stage_on - she.as_of).days, _label(model, course.next_stage)
    said = f"{model.name.en}: {coming.en} in {days(ahead).en}"
    said_zh = f"{model.name.zh}：{ahead:,}天后转入{coming.zh}"
    if course.next_stage not in asked.into:
        return False, Words(f"{said}, not {wanted.en}", f"{said_zh}，不是{wanted.zh}")
    holds = ahead <= asked.within_days
    more, more_zh = ("at most", "不超过") if holds else ("more than", "超过")
    return holds, Words(f"{said}, {more} {asked.within_days:,}", f"{said_zh}，{more_zh}{asked.within_days:,}天")


def _tier(asked: list[str], she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    if she.tier in asked:
        return True, Words(f"tier {she.tier}", f"{she.tier}类")
    return False, Words(f"tier {she.tier}, not {' or '.join(asked)}", f"{she.tier}类，不是{'、'.join(asked)}类")


def _orders(asked: Range, she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    return _number(asked, she.orders, Words("order" if she.orders == 1 else "orders", "笔订单"), Words("", ""))


def _since_first(asked: Range, she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    return _number(
        asked, she.days_since_first_order, _days(she.days_since_first_order), Words(" since the first", "首单距今")
    )


def _since_last(asked: Range, she: Candidate, models: dict[str, LifecycleModel]) -> Outcome:
    return _number(
        asked, she.days_since_last_order, _days(she.days_since_last_order), Words(" since the latest", "末单距今")
    )


KINDS: dict[str, Callable[[Any, Candidate, dict[str, LifecycleModel]], Outcome]] = {
    "stage": _stage,
    "turning": _turning,
    "tier": _tier,
    "orders": _orders,
    "days_since_first_order": _since_first,
    "days_since_last_order": _since_last,
    "columns": _columns,
}


def _number(asked: Range, value: int | None, unit: Words, since: Words) -> Outcome:
    if value is None:
        return False, Words("no order", "无订单")
    holds = (asked.low is None or value >= asked.low) and (asked.high is None or value <= asked.high)
    if value == 0 and not since.en:
        return holds, Words("no order", "无订单")
    said = Words(f"{value:,} {unit.en}{since.en}{' order' if since.en else ''}", f"{since.zh}{value:,}{unit.zh}")
    if holds and asked.low == asked.high:
        return True, said
    stands = against(value, asked.low, asked.high)
    return holds, Words(f"{said.en}, {stands.en}", f"{said.zh}，{stands.zh}")


def _days(number: int | None) -> Words:
    return Words("day" if number == 1 else "days", "天")


def _label(model: LifecycleModel, stage: str) -> Words:
    return next((Words(s.label.en, s.label.zh) for s in model.stages if s.stage == stage), Words(stage, stage))


def _labels(model: LifecycleModel, stages: list[str]) -> Words:
    labels = [_label(model, stage) for stage in stages]
    return Words(" or ".join(w.en for w in labels), "或".join(w.zh for w in labels))
