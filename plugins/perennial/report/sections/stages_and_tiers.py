"""Customers and their value, by stage and tier."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts, stages
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import compact, count, money

ORDER = 20
TITLE = Words("Stages and tiers", "阶段与价值分层")
LEAD = Words(
    "Who is where, and what they are worth. Care first for dark cells of value in fading rows: tier A holds about 80 % "
    "of the value of the last 365 days.",
    "客户所处阶段及其价值。优先关注衰退行中颜色较深的价值格：A层约占近365天价值的80%。",
)
EMPTY = Words(
    "No customer is known yet. Once a night has loaded customers or orders, this shows where they stand.",
    "尚无客户。运行一晚并载入客户或订单后，这里会显示各阶段分布。",
)
FADING = ("declining", "lost")
TIERS = ("A", "B", "C", "N")
NO_VALUE = Words("N: no value in the last 365 days", "N：近365天无价值")
QUERIES = {
    "stages": stages.STAGES,
    "cells": """
        select stage, abc_tier as tier, count(*) as customers, sum(value_12m) as value, sum(clv_365d) as expected
        from marts.customer_360 where stage is not null and abc_tier is not null
        group by stage, abc_tier
    """,
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """Two heat maps with their numbers."""
    if not rows["cells"]:
        return []
    labels = stages.names(rows["stages"])
    cells = {(row["stage"], row["tier"]): row for row in rows["cells"]}
    found = []
    for name, title, written in (
        ("customers", Words("Customers", "客户数"), count),
        ("value", Words("Value of the last 365 days", "近365天价值"), partial(money, currency=night.currency)),
    ):
        values = {at: row[name] or 0 for at, row in cells.items()}
        shown = compact if name == "value" else count
        unit = f" ({night.currency})" if name == "value" else ""
        found.append(
            Chart(
                name,
                Words(title.en + unit, title.zh + unit),
                _says({row["stage"]: row["phase"] for row in rows["stages"]}, values, written),
                partial(_draw, labels, values, shown),
                _table(title, labels, values, written),
                is_half=True,
            )
        )
    return found


def _draw(labels: dict[str, Words], values: dict, shown, language: str, width: int):
    told = stages.in_language(labels, language)
    most = max(values.values(), default=0)
    cells = [
        {"row": told[stage], "column": tier, "text": shown(value) if value else "·", "level": _level(value, most)}
        for stage in labels
        for tier in TIERS
        for value in [values.get((stage, tier), 0)]
    ]
    return charts.heat_map(cells, list(told.values()), list(TIERS), width)


def _level(value, most) -> int:
    return charts.level(float(value), float(most))


def _says(phases: dict[str, str], values: dict, written) -> Words:
    everything = sum(values.values())
    of_a = sum(value for (_, tier), value in values.items() if tier == "A")
    fading = sum(value for (stage, tier), value in values.items() if tier == "A" and phases.get(stage) in FADING)
    return Words(
        f"{written(everything)} in all, {written(of_a)} in tier A, of which {written(fading)} in stages that "
        "decline or are lost.",
        f"合计{written(everything)}，其中A层{written(of_a)}；A层中处于衰退或流失阶段的为{written(fading)}。",
    )


def _table(title: Words, labels, values, written) -> Table:
    columns = [Column(Words("Stage", "阶段"), False), *(Column(Words(tier, tier)) for tier in TIERS)]
    body = [
        [label, *(written(values.get((stage, tier), 0)) for tier in TIERS), written(_total(values, stage))]
        for stage, label in labels.items()
    ]
    sums = [sum(value for (_, own), value in values.items() if own == tier) for tier in TIERS]
    total = [Words("All", "合计"), *(written(value) for value in sums), written(sum(sums))]
    caption = Words(f"{title.en}. {NO_VALUE.en}.", f"{title.zh}。{NO_VALUE.zh}。")
    return Table(caption, [*columns, Column(Words("All", "合计"))], [*body, total])


def _total(values: dict, stage: str):
    return sum(value for (own, _), value in values.items() if own == stage)
