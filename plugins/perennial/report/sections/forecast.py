"""What customers will be worth, and how far such forecasts were off."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report import charts
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Note, Part, Table
from perennial.report.text import compact, count, labelled, money, number, share, signed

ORDER = 60
TITLE = Words("Expected customer value", "预期客户价值")
LEAD = Words(
    "What the next 365 days should bring, by customer, and how such forecasts did before. Trust them as far as the "
    "points lie on the line.",
    "未来365天每位客户的预期收益，以及过去预测的表现。点越靠近直线，预测越可信。",
)
EMPTY = Words(
    "Nobody is forecast yet. A forecast needs customers with orders, and some who came back.",
    "尚无预测。需要有下单客户，且部分客户有复购。",
)
# upper ends of the bars
EDGES = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
ROOM = 0.06  # of an axis, for a number of two digits
QUERIES = {
    "bars": f"""
        select width_bucket(clv_365d, array{list(EDGES)!r}::double precision[]) as bar, count(*) as customers,
            sum(clv_365d) as worth
        from marts.customer_clv where clv_365d is not null and fit_status <> 'no_orders'
        group by bar order by bar
    """,
    "fitted": """
        select model_used, fit_status, champion, coalesce(label_en, fit_status) as label_en,
            coalesce(label_zh, fit_status) as label_zh
        from clv.parameters left join marts.dim_reasons on kind = 'forecast' and reason = fit_status
        where as_of = %(shown)s
    """,
    "trials": """
        select origin, horizon_days, candidate, is_chosen, customers, mae, mae_latest, mae_mean, skill, bias, coverage
        from marts.clv_backtest where as_of = %(shown)s order by origin desc, is_chosen desc, candidate
    """,
    "tenths": """
        select origin, decile, customers, predicted_spend, actual_spend, predicted_orders, actual_orders
        from marts.clv_backtest_decile where as_of = %(shown)s order by decile
    """,
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """A histogram, the calibration of the newest trial, and all trials."""
    found: list[Part] = [_fitted(row) for row in rows["fitted"]]
    if rows["bars"]:
        found.append(_histogram(rows["bars"], night.currency))
    if rows["tenths"]:
        found.append(_calibration(rows["tenths"], night.currency))
    if rows["trials"]:
        found.append(_trials(rows["trials"]))
    return found if rows["bars"] or rows["tenths"] else []


def _fitted(row: dict) -> Note:
    why = labelled(row)
    return Note(
        Words(f"Tonight's model: {row['model_used']}. {why.en}.", f"今晚所用模型：{row['model_used']}。{why.zh}。")
    )


def _between(bar: int) -> str:
    if bar >= len(EDGES):
        return f"≥ {compact(EDGES[-1])}"
    return f"{compact(EDGES[bar - 1])}–{compact(EDGES[bar])}" if bar else "< 0"


def _histogram(bars: list[dict], currency: str) -> Chart:
    known = {row["bar"]: row for row in bars}
    shown = range(min(known), max(known) + 1)
    people = sum(row["customers"] for row in bars)
    worth = sum(row["worth"] for row in bars)
    says = Words(
        f"{count(people)} customers are expected to bring {money(worth, currency)} in 365 days, "
        f"{money(worth / people, currency)} each on average.",
        f"预计{count(people)}位客户在365天内带来{money(worth, currency)}，人均{money(worth / people, currency)}。",
    )
    title = Words(f"Customers by expected value ({currency})", f"按预期价值分布的客户数（{currency}）")
    values = [
        {"label": _between(bar), "value": held["customers"], "text": f"{count(held['customers'])}"}
        for bar in shown
        for held in [known.get(bar, {"customers": 0})]
    ]
    columns = [
        Column(Words(f"Expected, {currency}", f"预期，{currency}"), False),
        Column(Words("Customers", "客户数")),
        Column(Words("Together", "合计")),
    ]
    body = [[_between(row["bar"]), count(row["customers"]), money(row["worth"], currency)] for row in bars]
    return Chart("clv", title, says, partial(_draw_bars, values), Table(says, columns, body), is_half=True)


def _draw_bars(values: list[dict], language: str, width: int):
    return charts.bars(values, [value["label"] for value in values], width)


def _calibration(tenths: list[dict], currency: str) -> Chart:
    origin = tenths[0]["origin"]
    points = [
        {
            "tenth": str(row["decile"]),
            "forecast": row["predicted_spend"] / row["customers"],
            "came": row["actual_spend"] / row["customers"],
        }
        for row in tenths
        if row["customers"]
    ]
    forecast, came = (sum(row[name] for row in tenths) for name in ("predicted_spend", "actual_spend"))
    off = share(abs(forecast / came - 1)) if came else "–"
    says = Words(
        f"Forecast on {origin} for each tenth of the customers, against what came. In all, {money(forecast, currency)} "
        f"were forecast and {money(came, currency)} came, {off} apart.",
        f"{origin} 对每十分之一客户的预测与实际对比。"
        f"合计预测{money(forecast, currency)}，实际{money(came, currency)}，相差{off}。",
    )
    title = Words(f"Forecast and actual spend per customer ({currency})", f"每位客户的预测与实际消费（{currency}）")
    columns = [
        Column(Words("Tenth, 1 is the best", "十分位，1为最高"), False),
        Column(Words("Customers", "客户数")),
        Column(Words("Spend forecast", "预测消费")),
        Column(Words("Spend that came", "实际消费")),
        Column(Words("Orders forecast", "预测订单")),
        Column(Words("Orders that came", "实际订单")),
    ]
    body = [
        [
            str(row["decile"]),
            count(row["customers"]),
            money(row["predicted_spend"], currency),
            money(row["actual_spend"], currency),
            count(row["predicted_orders"]),
            count(row["actual_orders"]),
        ]
        for row in tenths
    ]
    return Chart("calibration", title, says, partial(_draw_points, points), Table(says, columns, body), is_half=True)


def _named(points: list[dict], most: float) -> list[dict]:
    """Those whose number finds room beside those before it; the table has all."""
    told: list[dict] = []
    for point in points:
        apart = (max(abs(point[side] - other[side]) for side in ("forecast", "came")) for other in told)
        if all(distance > ROOM * most for distance in apart):
            told.append(point)
    return told


def _draw_points(points: list[dict], language: str, width: int):
    most = max((max(p["forecast"], p["came"]) for p in points), default=1) * 1.06 or 1
    names = ("forecast", "came") if language == "en" else ("预测", "实际")
    scale = {"type": "quantitative", "scale": {"domain": [0, most]}}
    axis = {"labelExpr": "format(datum.value, '~s')", "tickCount": 5}
    x = scale | {"field": "forecast", "axis": axis | {"title": names[0], "grid": False}}
    y = scale | {"field": "came", "axis": axis | {"title": names[1], "minExtent": 36, "maxExtent": 36}}
    return {
        "width": width - 60,
        "height": 230,
        "layer": [
            {
                "data": {"values": [{"forecast": 0, "came": 0}, {"forecast": most, "came": most}]},
                "mark": {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1},
                "encoding": {"x": x, "y": y},
            },
            {"data": {"values": points}, "mark": {"type": "point"}, "encoding": {"x": x, "y": y}},
            {
                "data": {"values": _named(points, most)},
                "mark": {"type": "text", "dy": -13},
                "encoding": {"x": x, "y": y, "text": {"field": "tenth", "type": "nominal"}},
            },
        ],
    }


def _trials(trials: list[dict]) -> Table:
    columns = [
        Column(Words("Forecast on", "预测日"), False),
        Column(Words("Model", "模型"), False),
        Column(Words("Days", "天数")),
        Column(Words("Orders off per customer", "每客户订单误差")),
        Column(Words("Best simple guess", "最佳简单推测")),
        Column(Words("Better by", "优于推测")),
        Column(Words("In total", "总量偏差")),
        Column(Words("Within p10–p90", "落入p10–p90")),
    ]
    body = [
        [
            str(row["origin"]),
            Words(f"{row['candidate']} (chosen)", f"{row['candidate']}（入选）")
            if row["is_chosen"]
            else row["candidate"],
            count(row["horizon_days"]),
            number(row["mae"]),
            number(min(row["mae_latest"], row["mae_mean"])),
            signed(row["skill"], share),
            signed(row["bias"], share),
            share(row["coverage"]),
        ]
        for row in trials
    ]
    return Table(Words("Every trial of the past", "全部回测"), columns, body)
