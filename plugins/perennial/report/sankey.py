"""Flows between two columns of boxes. Vega has no such chart: we place it, Vega draws it."""

from dataclasses import dataclass

from perennial.report.parts import Spec
from perennial.report.text import cut

BOX, GAP, SMALLEST = 10, 12, 1.5


@dataclass(frozen=True)
class Flow:
    """Customers who went from one box to another, in which colour."""

    start: str
    end: str
    customers: int
    fill: str


def sankey(flows: list[Flow], order: list[str], labels: dict[str, str], width: int, height: int = 340) -> Spec:
    """The flows as bands as thick as they have customers; boxes in `order`, named and counted."""
    label_room = 150 if width > 500 else 116
    left = [box for box in order if any(flow.start == box for flow in flows)]
    right = [box for box in order if any(flow.end == box for flow in flows)]
    total = sum(flow.customers for flow in flows) or 1
    scale = (height - GAP * (max(len(left), len(right)) - 1)) / total
    marks: list[dict] = []
    x_left, x_right = label_room, width - label_room - BOX
    ends = {}
    for side, names, at in (("start", left, x_left), ("end", right, x_right)):
        y = 0.0
        for name in names:
            members = [flow for flow in flows if getattr(flow, side) == name]
            members.sort(key=lambda flow: order.index(flow.end if side == "start" else flow.start))
            count = sum(flow.customers for flow in members)
            tall = max(count * scale, SMALLEST)
            marks.append(_box(at, y, tall))
            marks += _label(labels[name], count, at, y + tall / 2, side, label_room)
            inner = y
            for flow in members:
                ends[side, flow] = (inner, max(flow.customers * scale, SMALLEST))
                inner += flow.customers * scale
            y += tall + GAP
    bands = [_band(x_left + BOX, x_right, *ends["start", flow], *ends["end", flow], flow.fill) for flow in flows]
    return {"width": width, "height": height, "padding": 4, "marks": bands + marks}


def _box(x: float, y: float, tall: float) -> dict:
    place = {"x": x, "y": y, "width": BOX, "height": tall}
    return {"type": "rect", "encode": {"enter": _values(place | {"fill": "var(--ink)", "cornerRadius": 2})}}


def _label(name: str, count: int, x: float, y: float, side: str, room: int) -> list[dict]:
    place = {"y": y, "baseline": "middle", "fontSize": 12}
    place |= {"x": x - 8, "align": "right"} if side == "start" else {"x": x + BOX + 8, "align": "left"}
    text = f"{cut(name, room - 50)}  {count:,}"
    return [{"type": "text", "encode": {"enter": _values(place | {"text": text, "fill": "var(--ink)"})}}]


def _band(x0: float, x1: float, y0: float, tall0: float, y1: float, tall1: float, fill: str) -> dict:
    middle = (x0 + x1) / 2
    path = (
        f"M{x0},{y0:.1f}C{middle},{y0:.1f} {middle},{y1:.1f} {x1},{y1:.1f}L{x1},{y1 + tall1:.1f}"
        f"C{middle},{y1 + tall1:.1f} {middle},{y0 + tall0:.1f} {x0},{y0 + tall0:.1f}Z"
    )
    look = {"path": path, "fill": fill, "fillOpacity": 0.5}
    return {"type": "path", "encode": {"enter": _values(look)}}


def _values(properties: dict) -> dict:
    return {name: {"value": value} for name, value in properties.items()}
