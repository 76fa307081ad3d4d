"""What Airflow asks a person: which plans wait, what each would change and why it waits, what its holdout can show."""

from collections.abc import Iterable
from datetime import date

import psycopg

from perennial.activation import effect
from perennial.activation.guards import Counts, told
from perennial.report.audience_words import TRIPPED

PLANS = """
    select plan, audience, members_before, members, adds, updates, removes, tripped from activation.export_runs
    where as_of = %s and plan = any(%s) order by audience, destination
"""
HEAD = """Night {as_of}: {plans} wait for approval. 等待审批。

**Approve** lets them go as they are now; whose data is another by then waits anew. **Reject** sends nothing. Whoever
said no is taken out whatever you decide. One by one, with everybody they change: the page Audiences.

| plan 计划 | members 成员 | added 新增 | updated 更新 | taken out 移除 | guards 审批原因 | holdout 对照组 |
|---|---|---|---|---|---|---|
"""


def text(session: psycopg.Connection, as_of: date, plans: Iterable[str]) -> str:
    """The question in Markdown, without contact details; empty if none of the plans is there."""
    power = effect.by_audience(session, as_of)
    rows = session.execute(PLANS, [as_of, list(plans)]).fetchall()
    if not rows:
        return ""
    return HEAD.format(as_of=as_of, plans=f"{len(rows)} plans" if len(rows) > 1 else "a plan") + "\n".join(
        _line(row, power.get(row["audience"], "not measured: not for marketing")) for row in rows
    )


def _line(row: dict, power: str) -> str:
    counts = Counts(*(row[name] for name in ("members_before", "members", "adds", "updates", "removes")))
    chinese = "、".join(TRIPPED[name].zh for name in row["tripped"])
    cells = [
        row["plan"],
        f"{counts.before:,} → {counts.members:,}",
        *(f"{number:,}" for number in (counts.adds, counts.updates, counts.removes)),
        f"{told(counts, row['tripped'])}; no other guard. {chinese}",
        power,
    ]
    return f"| {' | '.join(cells)} |"
