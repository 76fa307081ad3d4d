"""How unevenly value is spread, and who is in which tier."""

from functools import partial

from perennial.lifecycle.phrases import Words
from perennial.report.facts import Night, Rows
from perennial.report.parts import Chart, Column, Part, Table
from perennial.report.text import count, money, number, share

ORDER = 50
TITLE = Words("Concentration of value", "价值集中度")
LEAD = Words(
    "The steeper the curve begins, the fewer customers carry the shop. Know those in tier A by name.",
    "曲线起始越陡，支撑业务的客户越少。请逐一了解A层客户。",
)
EMPTY = Words(
    "Nobody has value in the last 365 days. After a night with orders this shows how few make 80 % of it.",
    "近365天没有客户产生价值。有订单后，这里会显示多少比例的客户贡献了80%的价值。",
)
STEPS = 100
QUERIES = {
    # a point per percent of value: how many customers hold that much together, the best first
    "curve": f"""
        select held, sum(count(*)) over (order by held) as customers, max(share) as share
        from (
            select
                ceil(revenue_share_cum * {STEPS}) as held, revenue_share_cum as share
            from marts.customer_abc where value_12m > 0 and revenue_share_cum is not null
        ) as buyers
        group by held order by held
    """,
    "tiers": """
        select abc_tier as tier, count(*) as customers, sum(value_12m) as value, max(basis) as basis
        from marts.customer_abc group by abc_tier order by abc_tier
    """,
    "nights": """
        select as_of, share_of_customers_for_80pct as needed, gini, count_a
        from marts.value_concentration where as_of in (%(shown)s, %(shown)s - 1, %(shown)s - 7) order by as_of desc
    """,
}
BASIS = {
    "revenue": Words("revenue", "收入"),
    "margin": Words("margin", "毛利"),
    "clv": Words("expected value", "预期价值"),
}


def parts(rows: Rows, night: Night) -> list[Part]:
    """The curve with the tiers."""
    if not rows["curve"]:
        return []
    buyers = rows["curve"][-1]["customers"]
    tonight = next((row for row in rows["nights"] if row["as_of"] == night.shown), None)
    needed = tonight["needed"] if tonight else None
    says = Words(
        f"{share(needed)} of the {count(buyers)} customers with value hold 80 % of it.",
        f"{count(buyers)}位有价值客户中，{share(needed)}贡献了80%的价值。",
    )
    basis = BASIS.get(rows["tiers"][0]["basis"], Words(rows["tiers"][0]["basis"], rows["tiers"][0]["basis"]))
    title = Words(f"Share of {basis.en}, best customers first", f"累计{basis.zh}占比（由高到低）")
    points = [
        {"customers": 0.0, "value": 0.0},
        *({"customers": float(row["customers"] / buyers), "value": float(row["share"])} for row in rows["curve"]),
    ]
    draw = partial(_draw, points, None if needed is None else float(needed))
    found: list[Part] = [Chart("curve", title, says, draw, _points(rows["curve"], buyers), True)]
    found.append(_tiers(rows["tiers"], night.currency))
    if tonight:
        found.append(_nights(rows["nights"]))
    return found


def _draw(points: list[dict], needed: float | None, language: str, width: int):
    percent = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    ticks = {"format": "%", "values": [0, 0.2, 0.4, 0.6, 0.8, 1], "titlePadding": 8}
    names = (
        ("share of customers", "share of value", "all equal")
        if language == "en"
        else ("客户占比", "价值占比", "完全均等")
    )
    x = percent | {"field": "customers", "axis": ticks | {"title": names[0], "grid": False}}
    y = percent | {"field": "value", "axis": ticks | {"title": names[1], "minExtent": 36, "maxExtent": 36}}
    layers = [
        {
            "data": {"values": [{"customers": 0, "value": 0}, {"customers": 1, "value": 1}]},
            "mark": {"type": "line", "color": "var(--muted)", "strokeDash": [4, 4], "strokeWidth": 1},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": [{"customers": 0.72, "value": 0.72, "text": names[2]}]},
            "mark": {"type": "text", "align": "left", "dx": 8, "dy": 10, "color": "var(--muted)"},
            "encoding": {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}},
        },
        {"data": {"values": points}, "mark": {"type": "line"}, "encoding": {"x": x, "y": y}},
    ]
    if needed is not None:
        crossing = {"values": [{"customers": needed, "value": 0.8, "text": f"{share(needed)} → 80 %"}]}
        beside = {"align": "right", "dx": -10, "dy": -10} if needed > 0.35 else {"align": "left", "dx": 10, "dy": 12}
        named = {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}}
        layers += [
            {"data": crossing, "mark": {"type": "point"}, "encoding": {"x": x, "y": y}},
            {"data": crossing, "mark": {"type": "text", "fontWeight": 600, **beside}, "encoding": named},
        ]
    return {"width": width - 60, "height": 260, "layer": layers}


def _points(curve: list[dict], buyers: int) -> Table:
    columns = [Column(Words("Share of value", "价值占比"), False), Column(Words("Customers", "客户数"))]
    columns.append(Column(Words("Share of customers", "客户占比")))
    shown = [row for number, row in enumerate(curve) if number % 10 == 9 or row is curve[-1]]
    body = [[share(row["share"]), count(row["customers"]), share(row["customers"] / buyers)] for row in shown]
    return Table(Words("Points of the curve", "曲线上的点"), columns, body)


def _tiers(tiers: list[dict], currency: str) -> Table:
    people = sum(row["customers"] for row in tiers)
    worth = sum(row["value"] or 0 for row in tiers)
    return Table(
        Words("Customers and value by tier", "各层客户与价值"),
        [
            Column(Words("Tier", "层级"), False),
            Column(Words("Customers", "客户数")),
            Column(Words("Share", "占比")),
            Column(Words("Value of 365 days", "近365天价值")),
            Column(Words("Share", "占比")),
        ],
        [
            [
                row["tier"],
                count(row["customers"]),
                share(row["customers"] / people),
                money(row["value"], currency),
                share(row["value"] / worth if worth else None),
            ]
            for row in tiers
        ],
        is_open=True,
        is_half=True,
    )


def _nights(nights: list[dict]) -> Table:
    return Table(
        Words("Compared with last night and last week", "与昨晚、上周相比"),
        [
            Column(Words("Night", "日期"), False),
            Column(Words("Customers for 80 %", "贡献80%的客户占比")),
            Column(Words("Gini coefficient", "基尼系数")),
            Column(Words("Tier A", "A层客户")),
        ],
        [[str(row["as_of"]), share(row["needed"]), number(row["gini"]), count(row["count_a"])] for row in nights],
        is_open=True,
        is_half=True,
    )
