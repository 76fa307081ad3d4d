"""Who will change stage within 30 days unless she orders."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts, stages
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import count, money

ORDER = 40
TITLE = Words("Due in the next 30 days", "未来30天将发生的变化")
LEAD = Words(
    "These changes happen on their day unless the customer orders first. A reminder is worth most in the week before.",
    "若客户在此之前未下单，这些变化将如期发生。提前一周提醒效果最好。",
)
EMPTY = Words(
    "Nobody is due to change stage within 30 days. That is good news, or nobody is known yet.",
    "未来30天内没有客户将变更阶段：这是好消息，或者尚无客户。",
)
DAYS = 30
QUERIES = {
    "stages": stages.STAGES,
    "days": f"""
        select stage, next_stage, next_stage_on - %(shown)s as ahead, abc_tier as tier, count(*) as customers,
            sum(value_12m) as value
        from marts.customer_360
        where next_stage_on > %(shown)s and next_stage_on <= %(shown)s + {DAYS}
        group by stage, next_stage, next_stage_on, abc_tier
    """,
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """Bars per day for each stage entered, and a table of who goes where."""
    labels = stages.names(rows["stages"])
    due = [row for row in rows["days"] if row["next_stage"] in labels and row["stage"] in labels]
    if not due:
        return []
    total, week = _customers(due), _customers([row for row in due if row["ahead"] <= 7])
    best = _customers([row for row in due if row["tier"] == "A"])
    says = Words(
        f"{count(total)} customers change stage within {DAYS} days, {count(week)} of them within 7; "
        f"{count(best)} are in tier A.",
        f"{count(total)}位客户将在{DAYS}天内变更阶段，其中{count(week)}位在7天内；A层客户{count(best)}位。",
    )
    chart = Chart(
        "due",
        Words("Customers who enter a stage, by days from tonight", "按距今天数进入各阶段的客户数"),
        says,
        partial(_draw, labels, due),
        _table(labels, due, night.currency),
    )
    return [chart]


def _customers(due: list[dict]) -> int:
    return sum(row["customers"] for row in due)


def _draw(labels: dict[str, Words], due: list[dict], language: str, width: int):
    told = stages.in_language(labels, language)
    entered = [stage for stage in labels if any(row["next_stage"] == stage for row in due)]
    panel = {
        stage: f"→ {told[stage]}  {count(_customers([row for row in due if row['next_stage'] == stage]))}"
        for stage in entered
    }
    values = [
        {
            "panel": panel[stage],
            "ahead": ahead,
            "customers": sum(r["customers"] for r in due if r["next_stage"] == stage and r["ahead"] == ahead),
        }
        for stage in entered
        for ahead in range(1, DAYS + 1)
    ]
    inner = {
        "mark": {"type": "bar", "size": 5},
        "encoding": {
            "x": {
                "field": "ahead",
                "type": "quantitative",
                "scale": {"domain": [0, DAYS + 1]},
                "axis": {"title": None, "grid": False, "values": [1, 7, 14, 21, 30]},
            },
            "y": {
                "field": "customers",
                "type": "quantitative",
                "axis": charts.COUNTED | {"tickCount": 2},
            },
        },
    }
    return charts.panels(inner, values, list(panel.values()), 3 if width > 500 else 1, width, 64)


def _table(labels: dict[str, Words], due: list[dict], currency: str) -> Table:
    order = list(labels)
    pairs = sorted(
        {(row["stage"], row["next_stage"]) for row in due}, key=lambda p: (order.index(p[1]), order.index(p[0]))
    )
    body = []
    for start, end in pairs:
        of = [row for row in due if (row["stage"], row["next_stage"]) == (start, end)]
        body.append(
            [
                labels[start],
                labels[end],
                count(_customers([row for row in of if row["ahead"] <= 7])),
                count(_customers(of)),
                count(_customers([row for row in of if row["tier"] == "A"])),
                money(sum(row["value"] or 0 for row in of), currency),
            ]
        )
    columns = [
        Column(Words("Now", "现在"), False),
        Column(Words("Becomes", "将变为"), False),
        Column(Words("Within 7 days", "7天内")),
        Column(Words("Within 30 days", "30天内")),
        Column(Words("Of them tier A", "其中A层")),
        Column(Words("Their value of 365 days", "其近365天价值")),
    ]
    caption = Words("Planned changes; an order cancels them", "计划中的变化，一旦下单即取消")
    return Table(caption, columns, body)
