"""What the night cost: seconds per step, beside those of earlier nights."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import NOTHING, count, number

ORDER = 120
TITLE = Words("Cost of the night", "运行成本")
LEAD = Words(
    "How long every step took; the line across a bar is the median of the seven nights before. A step that "
    "doubled without more rows is worth a look at its slowest models.",
    "各步骤耗时；横条上的竖线为此前七晚的中位数。若某步骤耗时翻倍而行数未增，请查看其最慢的模型。",
)
EMPTY = Words(
    "No step of this night ran yet. Start one with `perennial nightly`.",
    "今晚尚无步骤运行。请运行 `perennial nightly`。",
)
QUERIES = {
    # the last attempt of each task; what the report itself cost is not known while it is written
    "steps": """
        with attempts as (
            select
                as_of, task, status, rows, details, started_at,
                extract(epoch from finished_at - started_at) as seconds,
                row_number() over (partition by as_of, task order by started_at desc) as newest,
                count(*) over (partition by as_of, task) as attempts
            from ops.runs where task <> 'report' and as_of <= %(as_of)s
        ),

        before as (
            select task, percentile_cont(0.5) within group (order by seconds) as seconds
            from attempts
            where newest = 1 and status = 'success' and as_of in (
                select distinct as_of from attempts where as_of < %(as_of)s order by as_of desc limit 7
            )
            group by task
        )

        select task, status, rows, attempts, attempts.seconds, before.seconds as before, details -> 'slowest' as slowest
        from attempts left join before using (task)
        where as_of = %(as_of)s and newest = 1 order by started_at, task
    """,
}
STATUS = {
    "success": Words("✓ done", "✓ 完成"),
    "failed": Words("✕ failed", "✕ 失败"),
    "running": Words("… did not end", "… 未结束"),
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """Bars with their numbers, and the slowest models."""
    steps = rows["steps"]
    if not steps:
        return []
    total = sum(row["seconds"] or 0 for row in steps)
    before = sum(row["before"] or 0 for row in steps)
    says = Words(
        f"The steps took {number(total, 1)} seconds together"
        + (f", {number(before, 1)} in the nights before." if before else "."),
        f"各步骤合计{number(total, 1)}秒" + (f"，此前各晚为{number(before, 1)}秒。" if before else "。"),
    )
    title = Words("Seconds per step", "各步骤耗时（秒）")
    found: list[Part] = [Chart("cost", title, says, partial(_draw, steps), _table(steps))]
    slowest = [(row["task"], *node) for row in steps for node in row["slowest"] or []]
    if slowest:
        found.append(_slowest(slowest))
    return found


def _draw(steps: list[dict], language: str, width: int):
    values: list[dict] = []
    for row in steps:
        seconds = float(row["seconds"] or 0)
        mark = "" if row["status"] == "success" else f"  {getattr(_status(row), language)}"
        values.append(
            {
                "label": charts.fitting(row["task"], width * 0.4, [v["label"] for v in values]),
                "value": seconds,
                "other": None if row["before"] is None else float(row["before"]),
                "text": number(seconds, 1) + mark,
                "fill": "var(--mark)" if row["status"] == "success" else "var(--down)",
            }
        )
    return charts.bars(values, [value["label"] for value in values], width, marker=True)


def _status(row: dict) -> Words:
    return STATUS.get(row["status"], Words(row["status"], row["status"]))


def _table(steps: list[dict]) -> Table:
    columns = [
        Column(Words("Step", "步骤"), False),
        Column(Words("State", "状态"), False),
        Column(Words("Seconds", "秒")),
        Column(Words("Nights before", "此前各晚")),
        Column(Words("Attempts", "尝试次数")),
        Column(Words("Rows", "行数")),
    ]
    body = [
        [
            row["task"],
            _status(row),
            number(row["seconds"], 1),
            number(row["before"], 1),
            count(row["attempts"]),
            count(row["rows"]),
        ]
        for row in steps
    ]
    return Table(Words("Last attempt of every step", "各步骤最近一次运行"), columns, body)


def _slowest(slowest: list[tuple]) -> Table:
    ranked = sorted(slowest, key=lambda node: (-node[2], node[1]))[:10]
    columns = [
        Column(Words("Step", "步骤"), False),
        Column(Words("Model or test", "模型或测试"), False),
        Column(Words("Seconds", "秒")),
    ]
    body = [[task, name, number(seconds, 1) if seconds else NOTHING] for task, name, seconds in ranked]
    return Table(Words("Slowest models and tests", "最慢的模型与测试"), columns, body)
