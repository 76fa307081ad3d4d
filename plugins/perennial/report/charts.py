"""The kinds of charts, as specs. Words and numbers are made before; a spec says only where they stand."""

from typing import Any

from perennial.report.parts import Spec
from perennial.report.text import cut
from perennial.report.text import width as wide

LEVELS = 7  # shades of a heat map: --heat-0 to --heat-6, and --on-0 to --on-6 for what is written on them
# customers are counted, so a tick between two whole numbers stays unnamed
COUNTED = {
    "title": None,
    "tickCount": 3,
    "labelExpr": "datum.value % 1 ? '' : format(datum.value, '~s')",
    "minExtent": 30,
    "maxExtent": 30,
}
LEFT = {"align": "left", "baseline": "middle"}


def level(value: float, highest: float) -> int:
    """The shade of a value, 0 for none; small values are told apart better than big ones."""
    if value <= 0 or highest <= 0:
        return 0
    return min(LEVELS - 1, 1 + int((value / highest) ** 0.5 * (LEVELS - 1)))


def _axis(labels: list[str], **more: Any) -> dict[str, Any]:
    """A vertical axis as wide as its labels, also where this machine has no font to measure them."""
    extent = max((wide(label) for label in labels), default=0)
    return {
        "title": None,
        "ticks": False,
        "domain": False,
        "labelPadding": 8,
        "minExtent": extent,
        "maxExtent": extent,
        **more,
    }


def heat_map(cells: list[dict], rows: list[str], columns: list[str], width: int, row_height: int = 34) -> Spec:
    """Cells {row, column, text, level}: a shade and, in it, the number."""
    shades = [
        c | {"fill": f"var(--heat-{c['level']})", "on": f"var(--on-{c['level']})"} for c in cells
    ]  # a name of its own per shade
    room = width - max((wide(r) for r in rows), default=0) - 12
    return {
        "data": {"values": shades},
        "width": room,
        "height": row_height * len(rows),
        "encoding": {
            "x": {
                "field": "column",
                "type": "nominal",
                "sort": columns,
                "axis": {"orient": "top", "title": None, "labelAngle": 0, "ticks": False, "domain": False},
            },
            "y": {"field": "row", "type": "nominal", "sort": rows, "axis": _axis(rows)},
        },
        "layer": [
            {
                "mark": {"type": "rect", "stroke": "var(--page)", "strokeWidth": 2, "cornerRadius": 3},
                "encoding": {"fill": {"field": "fill", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "fontSize": 11 if room / max(len(columns), 1) < 46 else 12},
                "encoding": {
                    "text": {"field": "text", "type": "nominal"},
                    "color": {"field": "on", "type": "nominal", "scale": None},
                },
            },
        ],
    }


def bars(values: list[dict], order: list[str], width: int, *, marker: bool = False) -> Spec:
    """Horizontal bars {label, value, text, fill?, other?}; `marker` draws `other` as a line across the bar."""
    room = width - max((wide(label) for label in order), default=0) - 12
    most = max((max(v["value"], v.get("other") or 0) for v in values), default=0) or 1
    most *= room / max(room - max((wide(v["text"]) for v in values), default=0) - 8, 1)  # room for the numbers
    x = {"type": "quantitative", "scale": {"domain": [0, most]}, "axis": None}
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "cornerRadiusEnd": 3, "height": {"band": 0.68}},
            "encoding": {
                "x": x | {"field": "value"},
                "fill": {"field": "fill", "type": "nominal", "scale": None},
            },
        },
        {
            "mark": {"type": "text", **LEFT, "dx": 6},
            "encoding": {"x": x | {"field": "end"}, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    if marker:
        layers.insert(
            1,
            {
                "transform": [{"filter": "datum.other != null"}],
                "mark": {"type": "tick", "color": "var(--ink)", "thickness": 2, "height": {"band": 0.9}},
                "encoding": {"x": x | {"field": "other"}},
            },
        )
    prepared = [
        {"fill": "var(--mark)", "other": None} | v | {"end": max(v["value"], (v.get("other") or 0) if marker else 0)}
        for v in values
    ]
    return {
        "data": {"values": prepared},
        "width": room,
        "height": {"step": 26},
        "encoding": {"y": {"field": "label", "type": "nominal", "sort": order, "axis": _axis(order)}},
        "layer": layers,
    }


def waterfall(steps: list[dict], width: int) -> Spec:
    """Steps {label, start, end, text, fill} from above to below; each begins where the one before ended."""
    order = [step["label"] for step in steps]
    room = width - max((wide(label) for label in order), default=0) - 12
    most = max((step["start"] for step in steps), default=0) or 1
    most *= room / max(room - max((wide(step["text"]) for step in steps), default=0) - 8, 1)
    scale = {"domain": [0, most]}
    return {
        "data": {"values": [step | {"right": max(step["start"], step["end"])} for step in steps]},
        "width": room,
        "height": {"step": 26},
        "encoding": {"y": {"field": "label", "type": "nominal", "sort": order, "axis": _axis(order)}},
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.68}, "cornerRadius": 2},
                "encoding": {
                    "x": {"field": "start", "type": "quantitative", "scale": scale, "axis": None},
                    "x2": {"field": "end"},
                    "fill": {"field": "fill", "type": "nominal", "scale": None},
                },
            },
            {
                "mark": {"type": "text", **LEFT, "dx": 6},
                "encoding": {
                    "x": {"field": "right", "type": "quantitative", "scale": scale, "axis": None},
                    "text": {"field": "text", "type": "nominal"},
                },
            },
        ],
    }


def panels(inner: Spec, values: list[dict], order: list[str], columns: int, width: int, height: int = 74) -> Spec:
    """The same small chart once per `panel`, each with a scale of its own; the panel's name says which it is."""
    gap, axis = 24, 34
    name = {  # a mark, because a header stands higher where the labels of an axis do
        "mark": {"type": "text", "align": "left", "baseline": "bottom", "fontWeight": 600},
        "encoding": {
            "x": {"value": 0},
            "y": {"value": -9},
            "text": {"aggregate": "min", "field": "panel", "type": "nominal"},
        },
    }
    return {
        "data": {"values": values},
        "facet": {"field": "panel", "type": "nominal", "sort": order, "title": None, "header": {"labelExpr": "''"}},
        "columns": columns,
        "bounds": "flush",  # axes do not push the panels about, so the spacing makes room for them
        "spacing": {"row": 62, "column": gap + axis},
        "resolve": {"scale": {"y": "independent"}, "axis": {"x": "independent"}},
        "spec": {"width": (width - gap * (columns - 1)) / columns - axis - 4, "height": height, "layer": [inner, name]},
    }


def intervals(values: list[dict], order: list[str], width: int, title: str) -> Spec:
    """Horizontal intervals {label, low, high, value, text, fill} beside zero."""
    room = width - max((wide(label) for label in order), default=0) - 12
    x = {"type": "quantitative", "axis": {"title": title, "tickCount": 5, "grid": True}}
    y = {"field": "label", "type": "nominal", "sort": order, "axis": _axis(order)}
    fill = {"field": "fill", "type": "nominal", "scale": None}
    return {
        "data": {"values": values},
        "width": room,
        "height": {"step": 34},
        "layer": [
            {"mark": {"type": "rule", "color": "var(--ink)"}, "encoding": {"x": {"datum": 0}}},
            {
                "mark": {"type": "rule", "strokeWidth": 3},
                "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": fill},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {"x": x | {"field": "value"}, "y": y, "color": fill},
            },
            {
                "mark": {"type": "text", "dy": -11},
                "encoding": {"x": x | {"field": "value"}, "y": y, "text": {"field": "text", "type": "nominal"}},
            },
        ],
    }


def fitting(label: str, pixels: float, taken: list[str]) -> str:
    """The label cut to a width, but never to one that is taken: what is called the same is drawn as one."""
    short = cut(label, pixels)
    while short in taken:
        short += " "
    return short
