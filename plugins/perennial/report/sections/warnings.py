"""Valuable customers who are probably being lost."""

from perennial.lifecycle.phrases import Words
from perennial.report import stages
from perennial.report.facts import Night, Rows
from perennial.report.parts import Column, Note, Part, Table
from perennial.report.text import count, day, key, labelled, money, share, span

ORDER = 80
TITLE = Words("Early warnings", "流失预警")
LEAD = Words(
    "Call these people, most value at risk first, by the day given. `perennial explain` with the key tells the story; "
    "no contact details are shown here.",
    "请在所示日期前按风险价值从高到低联系。用 `perennial explain` 加客户键可查看经历；此处不显示联系方式。",
)
EMPTY = Words(
    "No warning was ever given. Warnings need customers of tier A with a history; limits are under early_warning in "
    "config/value.yml.",
    "尚未发出预警。预警需要有历史的A层客户；相关设置在 config/value.yml 的 early_warning 中。",
)
SHOWN = 12
QUERIES = {
    "stages": stages.STAGES,
    "reasons": "select reason, label_en, label_zh from marts.dim_reasons where kind = 'warning'",
    "open": f"""
        select customer_key, opened_on, tier, stage, reasons, risk, value_at_risk, due_by
        from marts.fct_early_warnings
        where outcome = 'open' order by opened_on desc, value_at_risk desc, customer_key limit {SHOWN}
    """,
    "all": """
        select count(*) as given, count(*) filter (where outcome = 'open') as open,
            count(*) filter (where outcome = 'returned') as returned, count(*) filter (where outcome = 'lost') as lost,
            sum(value_at_risk) filter (where outcome = 'open') as at_risk,
            count(*) filter (where opened_on = %(shown)s) as new
        from marts.fct_early_warnings
    """,
    "quality": """
        select month, count_opened, count_judged, count_lost, precision_share, precision_low, precision_high,
            recall_share
        from marts.early_warning_quality where reason = 'any' and count_opened > 0 order by month desc limit 6
    """,
}
TOO_FEW = Words("too few to say", "样本过少")


def parts(rows: Rows, night: Night) -> list[Part]:
    """Open warnings, and how many of earlier ones came true."""
    told = rows["all"][0] if rows["all"] else {"given": 0}
    if not told["given"]:
        return []
    worth = money(told["at_risk"] or 0, night.currency)
    found: list[Part] = [
        Note(
            Words(
                f"{count(told['open'])} open with {worth} at risk, {count(told['new'])} of them new tonight. "
                f"So far {count(told['returned'])} came back and {count(told['lost'])} were lost.",
                f"未结{count(told['open'])}条，涉及{worth}，其中今晚新增{count(told['new'])}条。"
                f"迄今{count(told['returned'])}位已回归，{count(told['lost'])}位已流失。",
            )
        )
    ]
    if rows["open"]:
        found.append(_open(rows, told["open"], night.currency))
    if rows["quality"]:
        found.append(_quality(rows["quality"]))
    return found


def _open(rows: Rows, total: int, currency: str) -> Table:
    labels = stages.names(rows["stages"])
    reasons = {row["reason"]: labelled(row) for row in rows["reasons"]}
    columns = [  # what is done first comes first, a phone shows no more
        Column(Words("Customer key", "客户键"), False),
        Column(Words("Value at risk", "风险价值")),
        Column(Words("Act by", "最迟处理"), False),
        Column(Words("Tier", "层级"), False),
        Column(Words("Why", "原因"), False),
        Column(Words("Risk", "风险")),
        Column(Words("Stage then", "当时阶段"), False),
        Column(Words("Warned on", "预警日"), False),
    ]
    body = [
        [
            key(row["customer_key"]),
            money(row["value_at_risk"], currency),
            day(row["due_by"]),
            row["tier"],
            _why(row["reasons"], reasons),
            share(row["risk"], 0),
            labels.get(row["stage"], Words(row["stage"] or "–", row["stage"] or "–")),
            day(row["opened_on"]),
        ]
        for row in rows["open"]
    ]
    more = Words("", "")
    if total > len(body):
        more = Words(
            f": the {count(len(body))} newest of {count(total)}; marts.fct_early_warnings has all",
            f"：最近{count(len(body))}条，共{count(total)}条；全部见 marts.fct_early_warnings",
        )
    return Table(Words(f"Open warnings{more.en}", f"未结预警{more.zh}"), columns, body, is_open=True)


def _why(names: str, reasons: dict[str, Words]) -> Words:
    told = [reasons.get(name.strip(), Words(name, name)) for name in names.split(",")]
    return Words("; ".join(word.en for word in told), "；".join(word.zh for word in told))


def _quality(quality: list[dict]) -> Table:
    columns = [
        Column(Words("Month", "月份"), False),
        Column(Words("Given", "发出")),
        Column(Words("Judged", "已判定")),
        Column(Words("Came true", "命中")),
        Column(Words("Precision", "准确率")),
        Column(Words("95 % interval", "95% 区间")),
        Column(Words("Recall", "召回率")),
    ]
    body = [
        [
            f"{row['month']:%Y-%m}",
            count(row["count_opened"]),
            count(row["count_judged"]),
            count(row["count_lost"]),
            share(row["precision_share"], 0) if row["count_judged"] else TOO_FEW,
            span(row["precision_low"], row["precision_high"], lambda value: share(value, 0)),
            share(row["recall_share"], 0) if row["recall_share"] is not None else TOO_FEW,
        ]
        for row in quality
    ]
    return Table(Words("How many of them came true", "预警命中情况"), columns, body)
