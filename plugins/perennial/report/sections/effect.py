"""What audiences earned against those held out."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Note, Part, Table
from perennial.report.text import count, cut, day, labelled, money, share, span

ORDER = 100
TITLE = Words("What campaigns earned", "营销增量效果")
LEAD = Words(
    "Only a comparison with people held out at random says what a message earned. Go on with what works, stop what "
    "does harm, and wait where it is too early.",
    "只有与随机对照组比较，才能说明触达带来了什么。有效的继续，有害的停止，尚早的等待。",
)
EMPTY = Words(
    "Nothing is measured yet. Give an audience a `holdout` in config/audiences.yml before its first export; results "
    "come when its days are over.",
    "尚无测量结果。请在首次导出前于 config/audiences.yml 为受众设置 holdout；期满后会有结果。",
)
QUERIES = {
    "uplift": """
        select audience, audience_en, audience_zh, count_treated, count_held, count_running, next_over_on,
            adjusted_difference, low, high, low_any_night, high_any_night, total, total_low, total_high,
            ordered_treated, ordered_held, verdict, verdict_en, verdict_zh, effect_days
        from marts.fct_campaign_uplift where segmentation = 'all' order by audience
    """,
    "power": """
        select audience, audience_en, audience_zh, effect_days, holdout_share, count_people, count_held, mean_value,
            min_detectable_effect, min_detectable_share
        from marts.holdout_power order by audience
    """,
}
FILLS = {"works": "var(--up)", "harms": "var(--down)"}
TOO_FEW = Words("too few to say", "人数过少，无法说明")


def parts(rows: Rows, night: Night) -> list[Part]:
    """Intervals where there is a verdict or one may come, and what each holdout could show."""
    if not rows["uplift"]:
        return []
    found: list[Part] = []
    known = [row for row in rows["uplift"] if row["low_any_night"] is not None]
    if known:
        found.append(_chart(known, rows["uplift"], night.currency))
    else:
        found.append(
            Note(
                Words(
                    "No audience has enough people whose days are over. The table says when the next ones are.",
                    "尚无受众有足够多的期满客户。下表列出最近的到期日。",
                )
            )
        )
        found.append(_waiting(rows["uplift"]))
    if rows["power"]:
        found.append(_power(rows["power"], night.currency))
    return found


def _waiting(uplift: list[dict]) -> Table:
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Verdict", "结论"), False),
        Column(Words("Treated", "触达组")),
        Column(Words("Held out", "对照组")),
        Column(Words("Running", "进行中")),
        Column(Words("Next over on", "下一到期日"), False),
    ]
    names = ("count_treated", "count_held", "count_running")
    body = [
        [
            labelled(row, "audience"),
            labelled(row, "verdict"),
            *(count(row[name]) for name in names),
            day(row["next_over_on"]),
        ]
        for row in uplift
    ]
    return Table(Words("Where every measurement stands", "各项测量进度"), columns, body, is_open=True)


def _chart(known: list[dict], everything: list[dict], currency: str) -> Chart:
    says = Words(
        f"Earnings per customer against those held out, in {currency}. Each line holds whichever night you look, and a "
        "verdict needs all of it on one side of zero.",
        f"与对照组相比每位客户的增量收益（{currency}）。区间对任意一晚均成立；整段位于零的一侧才作结论。",
    )
    title = Words("Effect per customer, with the interval for any night", "每位客户的增量效果及任意晚置信区间")
    return Chart("uplift", title, says, partial(_draw, known, currency), _table(everything, currency))


def _draw(known: list[dict], currency: str, language: str, width: int):
    values, taken = [], []
    for row in known:
        label = charts.fitting(row[f"audience_{language}"], width * 0.4, taken)
        taken.append(label)
        values.append(
            {
                "label": label,
                "low": float(row["low_any_night"]),
                "high": float(row["high_any_night"]),
                "value": float(row["adjusted_difference"]),
                "text": cut(
                    f"{float(row['adjusted_difference']):+,.2f} · {row[f'verdict_{language}']}", width * 0.5, 11
                ),
                "fill": FILLS.get(row["verdict"], "var(--muted)"),
            }
        )
    return charts.intervals(values, taken, width, currency)


def _table(uplift: list[dict], currency: str) -> Table:
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Verdict", "结论"), False),
        Column(Words("Treated", "触达组")),
        Column(Words("Held out", "对照组")),
        Column(Words("Per customer", "每位客户")),
        Column(Words("95 %, one look", "95%，单次查看")),
        Column(Words("95 %, any night", "95%，任意晚")),
        Column(Words("In all", "合计")),
        Column(Words("95 %, one look", "95%，单次查看")),
        Column(Words("Ordered, treated and held", "下单率：触达/对照")),
        Column(Words("Running", "进行中")),
        Column(Words("Next over on", "下一到期日"), False),
    ]

    def told(value):
        return money(value, currency)

    body = [
        [
            labelled(row, "audience"),
            labelled(row, "verdict"),
            count(row["count_treated"]),
            count(row["count_held"]),
            TOO_FEW if row["verdict"] == "too_early" else told(row["adjusted_difference"]),
            span(row["low"], row["high"], told),
            span(row["low_any_night"], row["high_any_night"], told),
            TOO_FEW if row["verdict"] == "too_early" else told(row["total"]),
            span(row["total_low"], row["total_high"], told),
            f"{share(row['ordered_treated'])} / {share(row['ordered_held'])}",
            count(row["count_running"]),
            day(row["next_over_on"]),
        ]
        for row in uplift
    ]
    caption = Words("Everybody counts for what she was drawn as", "按抽样分组计算（意向性分析）")
    return Table(caption, columns, body)


def _power(power: list[dict], currency: str) -> Table:
    columns = [
        Column(Words("Audience", "受众"), False),
        Column(Words("Held out", "对照比例")),
        Column(Words("People tonight", "今晚人数")),
        Column(Words("Of them held out", "其中对照")),
        Column(Words("Days", "天数")),
        Column(Words("Expected per person", "人均预期")),
        Column(Words("Smallest effect it can show", "最小可见效果")),
        Column(Words("As a share", "占比")),
    ]
    body = [
        [
            labelled(row, "audience"),
            share(row["holdout_share"]),
            count(row["count_people"]),
            count(row["count_held"]),
            count(row["effect_days"]),
            money(row["mean_value"], currency),
            money(row["min_detectable_effect"], currency) if row["min_detectable_effect"] is not None else TOO_FEW,
            share(row["min_detectable_share"]),
        ]
        for row in power
    ]
    return Table(Words("What each holdout could show", "各对照组能够检出的效果"), columns, body)
