"""Who of each month's new customers came back."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import count, money, share

ORDER = 70
TITLE = Words("Cohorts", "同期群留存")
LEAD = Words(
    "Of everybody whose first order fell into a month, the share that ordered again so many months later. A row paler "
    "than those above it was acquired badly: ask where its customers came from.",
    "某月首次下单的客户，在之后各月再次下单的比例。比上方更浅的行意味着获客质量下降：请检查其来源。",
)
EMPTY = Words(
    "A cohort needs a complete month after its first orders. Come back after the first month's end.",
    "同期群需要首单之后的一个完整自然月。首个月结束后这里会有内容。",
)
AGES, COHORTS = 12, 13
SMALL = 10  # of fewer customers no share is told
QUERIES = {
    "cells": f"""
        select cohort_month, age_months, count_customers, count_active, retention_share, net_revenue_per_customer
        from marts.fct_cohort_retention
        where is_mature and cohort_month is not null and age_months between 1 and {AGES}
            and cohort_month > %(shown)s - interval '{COHORTS} months' - interval '1 month'
        order by cohort_month, age_months
    """,
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """One heat map of the months that are over."""
    if not rows["cells"]:
        return []
    first = [row for row in rows["cells"] if row["age_months"] == 1 and row["count_customers"] >= SMALL]
    people = sum(row["count_customers"] for row in first)
    back = share(sum(row["count_active"] for row in first) / people) if people else "–"
    says = Words(
        f"Share of each cohort that ordered in a later month. One month after the first, {back} did, over all cohorts. "
        f"Cohorts of fewer than {SMALL} customers are too few to say.",
        f"各同期群在之后月份下单的比例。首月后一个月，整体为{back}。少于{SMALL}位客户的同期群人数过少，不作说明。",
    )
    return [
        Chart(
            "cohorts",
            Words("Share ordering again, in %, by months since the first order", "首单后各月的再次下单比例（%）"),
            says,
            partial(_draw, rows["cells"]),
            _table(rows["cells"], night.currency),
        )
    ]


def _draw(cells: list[dict], language: str, width: int):
    ages = AGES if width > 500 else 6
    most = max((float(c["retention_share"]) for c in cells if c["count_customers"] >= SMALL), default=0.0)
    values = [
        {
            "row": _name(cell),
            "column": str(cell["age_months"]),
            "text": f"{cell['retention_share'] * 100:.0f}" if cell["count_customers"] >= SMALL else "·",
            "level": _level(float(cell["retention_share"]), most) if cell["count_customers"] >= SMALL else 0,
        }
        for cell in cells
        if cell["age_months"] <= ages
    ]
    rows = list(dict.fromkeys(_name(cell) for cell in cells))
    return charts.heat_map(values, rows, [str(age) for age in range(1, ages + 1)], width, 28)


def _name(cell: dict) -> str:
    return f"{cell['cohort_month']:%Y-%m}  ({count(cell['count_customers'])})"


def _level(value: float, most: float) -> int:
    """The shade of a share, evenly spaced."""
    if value <= 0:
        return 0
    return min(charts.LEVELS - 1, 1 + int(value / most * (charts.LEVELS - 1)))


def _table(cells: list[dict], currency: str) -> Table:
    columns = [
        Column(Words("First order in", "首单月份"), False),
        Column(Words("Months later", "之后月数")),
        Column(Words("Customers", "客户数")),
        Column(Words("Ordered", "下单客户")),
        Column(Words("Share", "占比")),
        Column(Words("Net revenue per customer so far", "人均累计净收入")),
    ]
    body = [
        [
            f"{cell['cohort_month']:%Y-%m}",
            count(cell["age_months"]),
            count(cell["count_customers"]),
            count(cell["count_active"]),
            share(cell["retention_share"]) if cell["count_customers"] >= SMALL else Words("too few to say", "人数过少"),
            money(cell["net_revenue_per_customer"], currency),
        ]
        for cell in cells
    ]
    return Table(Words("Cohorts by month and age", "按月份与账龄的同期群"), columns, body)
