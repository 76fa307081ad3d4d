"""Who moved between stages in the last complete month, and how many were where."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts, stages
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Note, Part, Table
from perennial.report.sankey import Flow, sankey
from perennial.report.text import count, month_words, share, signed, span

ORDER = 30
TITLE = Words("Movement between stages", "阶段流转")
LEAD = Words(
    "Only who moved is drawn: upwards or back in blue, downwards in orange. If more goes down than up for two months, "
    "look at assortment and service before you send more messages.",
    "只画出变更阶段的客户：蓝色为上行或回归，橙色为下行。若连续两个月下行多于上行，请先检查商品与服务，再增加触达。",
)
EMPTY = Words(
    "Movement needs a month whose next month has begun. Until then, marts.fct_lifecycle_timeline has every stay.",
    "需要至少一个完整自然月。在此之前可查看 marts.fct_lifecycle_timeline 中的每一段停留。",
)
WEEKS = 53
QUERIES = {
    "stages": stages.STAGES,
    "moves": """
        select month, from_stage, to_stage, count_customers, count_from, probability, probability_low, probability_high
        from marts.fct_stage_transitions
        where lifecycle_model = %(model)s
            and month = (
                select max(month) from marts.fct_stage_transitions
                where lifecycle_model = %(model)s and month <= %(shown)s
            )
    """,
    # the night itself and the same weekday of a year before
    "trend": f"""
        select day, stage, count_customers from marts.fct_stage_counts
        where lifecycle_model = %(model)s and day <= %(shown)s and day > %(shown)s - 7 * {WEEKS}
            and (%(shown)s - day) %% 7 = 0
        order by day
    """,
    "forecast": """
        select stage, forecast_on, count_customers, expected_customers, count_backtests, mean_error_share,
            naive_mean_error_share
        from marts.lifecycle_forecast where lifecycle_model = %(model)s
    """,
}
UP, DOWN = "var(--up)", "var(--down)"


def parts(rows: Rows, night: Night) -> list[Part]:
    """A Sankey diagram of those who moved, and a line per stage."""
    labels = stages.names(rows["stages"])
    found: list[Part] = []
    moves = [row for row in rows["moves"] if row["from_stage"] in labels and row["to_stage"] in labels]
    if moves:
        found += _moves(labels, {row["stage"]: row["phase"] for row in rows["stages"]}, moves)
    if rows["trend"]:
        found.append(_trend(labels, rows["trend"], rows["forecast"]))
    return found


def _moves(labels: dict[str, Words], phases: dict[str, str], moves: list[dict]) -> list[Part]:
    order = list(labels)
    flows = []
    for row in moves:
        start, end = row["from_stage"], row["to_stage"]
        if start != end:
            is_down = order.index(end) > order.index(start) and phases[end] in ("declining", "lost")
            flows.append(Flow(start, end, row["count_customers"], DOWN if is_down else UP))
    month = month_words(moves[0]["month"])
    up = sum(flow.customers for flow in flows if flow.fill == UP)
    down = sum(flow.customers for flow in flows if flow.fill == DOWN)
    stayed = sum(row["count_customers"] for row in moves if row["from_stage"] == row["to_stage"])
    says = Words(
        f"In {month.en}, {count(up)} customers moved up or came back, {count(down)} moved on or down, "
        f"{count(stayed)} stayed where they were and are not drawn.",
        f"{month.zh}，{count(up)}位客户上行或回归，{count(down)}位客户继续或下行，{count(stayed)}位保持不变（图中未画）。",
    )
    if not flows:
        return [Note(says)]
    title = Words(f"Who changed stage in {month.en}", f"{month.zh}变更阶段的客户")
    draw = partial(_draw_moves, labels, flows)
    return [Chart("moves", title, says, draw, _move_table(labels, moves, month))]


def _draw_moves(labels: dict[str, Words], flows: list[Flow], language: str, width: int):
    return sankey(flows, list(labels), stages.in_language(labels, language), width)


def _move_table(labels: dict[str, Words], moves: list[dict], month: Words) -> Table:
    order = list(labels)
    ranked = sorted(moves, key=lambda row: (order.index(row["from_stage"]), order.index(row["to_stage"])))
    return Table(
        Words(f"Stage on the first day of {month.en} and of the next month", f"{month.zh}首日与次月首日的阶段"),
        [
            Column(Words("From", "从"), False),
            Column(Words("To", "到"), False),
            Column(Words("Customers", "客户数")),
            Column(Words("Share", "占比")),
            Column(Words("95 % interval", "95% 区间")),
        ],
        [
            [
                labels[row["from_stage"]],
                labels[row["to_stage"]],
                f"{count(row['count_customers'])} / {count(row['count_from'])}",
                share(row["probability"]),
                span(row["probability_low"], row["probability_high"], share),
            ]
            for row in ranked
        ],
    )


def _trend(labels: dict[str, Words], trend: list[dict], forecast: list[dict]) -> Chart:
    first, last = trend[0]["day"], trend[-1]["day"]
    ahead = {row["stage"]: row for row in forecast}
    now = {row["stage"]: row["count_customers"] for row in trend if row["day"] == last}
    before = {row["stage"]: row["count_customers"] for row in trend if row["day"] == first}
    says = Words(
        f"One line per stage, week by week from {first} to {last}. Every panel has a scale of its own.",
        f"各阶段自 {first} 至 {last} 的每周客户数。每幅小图使用各自的刻度。",
    )
    judged = next((row for row in forecast if row["count_backtests"]), None)
    caption = says
    if judged:
        error, naive = share(judged["mean_error_share"], 2), share(judged["naive_mean_error_share"], 2)
        caption = Words(
            f"{says.en} In {judged['count_backtests']} trials forecasts were {error} of all customers off per stage; "
            f"saying that nothing changes was {naive} off.",
            f"{says.zh}预测在{judged['count_backtests']}次回测中每阶段平均偏差为客户数的{error}；假设不变则为{naive}。",
        )
    columns = [
        Column(Words("Stage", "阶段"), False),
        Column(Words("Tonight", "今晚")),
        Column(Words(f"Since {first}", f"自 {first}")),
        Column(Words("Of today's customers, in 90 days", "现有客户90天后")),
    ]
    body = [
        [
            label,
            count(now.get(stage, 0)),
            signed(now.get(stage, 0) - before.get(stage, 0), count),
            count(ahead[stage]["expected_customers"]) if stage in ahead else Words("not yet", "暂无"),
        ]
        for stage, label in labels.items()
    ]
    draw = partial(_draw_trend, labels, trend)
    return Chart("trend", Words("Customers per stage", "各阶段客户数"), says, draw, Table(caption, columns, body))


def _draw_trend(labels: dict[str, Words], trend: list[dict], language: str, width: int):
    told = stages.in_language(labels, language)
    last = trend[-1]["day"]
    now = {row["stage"]: row["count_customers"] for row in trend if row["day"] == last}
    panel = {stage: f"{text}  {count(now.get(stage, 0))}" for stage, text in told.items()}
    values = [
        {"panel": panel[row["stage"]], "day": str(row["day"]), "customers": row["count_customers"]}
        for row in trend
        if row["stage"] in panel
    ]
    inner = {
        "encoding": {
            "x": {
                "field": "day",
                "type": "temporal",
                "axis": {
                    "title": None,
                    "grid": False,
                    "tickCount": 3 if width > 500 else 2,
                    "format": "%m/%y",
                    "labelOverlap": "greedy",
                    "labelSeparation": 6,
                },
            },
            "y": {
                "field": "customers",
                "type": "quantitative",
                "axis": charts.COUNTED,
            },
        },
        "layer": [{"mark": {"type": "area", "opacity": 0.16}}, {"mark": {"type": "line"}}],
    }
    return charts.panels(inner, values, list(panel.values()), 4 if width > 500 else 2, width)
