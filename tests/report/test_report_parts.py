"""Texts, charts and colours, without a warehouse."""

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from perennial.lifecycle.phrases import Words
from perennial.report import audience_words, charts, drawing, registry, text
from perennial.report import page as pages
from perennial.report.sankey import Flow, sankey
from perennial.report.sections import forecast

CSS = (Path(pages.__file__).parent / "page.css").read_text("utf-8")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (text.count(1234567), "1,234,567"),
        (text.count(None), "–"),
        (text.money(1234.5, "USD"), "1,234 USD"),
        (text.money(12.5, "EUR"), "12.50 EUR"),
        (text.share(0.12345), "12.3 %"),
        (text.signed(-3, text.count), "−3"),
        (text.signed(0, text.count), "±0"),
        (text.signed(3, text.count), "+3"),
        (text.compact(999), "999"),
        (text.compact(1000), "1k"),
        (text.compact(86_000), "86k"),
        (text.compact(27_640), "27.6k"),
        (text.compact(3_437_653), "3.4M"),
        (text.span(0.1, 0.25, text.share), "10.0 % … 25.0 %"),
        (text.span(None, 0.25, text.share), "–"),
        (text.cut("Held out of this audience", 80), "Held out o…"),
        (text.day_words(date(2018, 1, 5)).zh, "2018年1月5日"),
    ],
)
def test_a_number_is_written_as_people_read_it(written, expected):
    assert written == expected


@pytest.mark.parametrize(
    "secret",
    ["ann@example.com", "ANN.O'Neil+x@mail.example.co.uk", "+12025550123", "+1 202-555-0123", "+49 30/1234567"],
)
def test_what_looks_like_a_contact_detail_is_taken_out(secret):
    masked = text.masked(f"such as {secret}, twice")
    assert "@" not in masked
    assert not re.search(r"\d{3}", masked)
    assert masked.startswith("such as ")


@pytest.mark.parametrize("harmless", ["2017-09-30", "+1,234,567", "−12,885 USD", "a4c4620a", "10.0 % … 25.0 %"])
def test_a_date_or_an_amount_is_no_contact_detail(harmless):
    assert text.masked(harmless) == harmless


def test_a_text_says_what_to_type_as_code_and_nothing_else_as_markup():
    both = pages.both(Words("run `a <b>`", "运行 `a`"))
    assert (
        both
        == '<span class="en">run <code>a &lt;b&gt;</code></span><span class="zh" lang="zh">运行 <code>a</code></span>'
    )


def test_every_gate_of_an_audience_has_a_name_that_fits_beside_a_bar():
    with (pages.HERE.parents[2] / "dbt_project" / "seeds" / "dim_reasons.csv").open(encoding="utf-8") as stream:
        gates = {row["reason"] for row in csv.DictReader(stream) if row["kind"] == "audience"}
    assert set(audience_words.SHORT) == gates
    assert all(text.width(name.en) < 130 and text.width(name.zh) < 130 for name in audience_words.SHORT.values())


def test_sections_are_found_in_the_order_they_ask_for():
    orders = [section.ORDER for section in registry.load().values()]
    assert orders == sorted(set(orders))
    assert len(orders) >= 12


@pytest.mark.parametrize("name", registry.load())
def test_a_section_without_rows_has_no_parts(name):
    section = registry.load()[name]
    assert section.parts({query: [] for query in section.QUERIES}, None) == []


def test_a_cell_of_nothing_has_the_palest_shade_and_the_highest_the_darkest():
    assert [charts.level(value, 100) for value in (0, 1, 25, 99, 100)] == [0, 1, 4, 6, 6]
    assert charts.level(0, 0) == 0


@pytest.mark.parametrize("width", [330, 980])
def test_flows_of_a_month_are_drawn_to_scale(width):
    flows = [Flow("a", "b", 30, "var(--up)"), Flow("a", "c", 10, "var(--down)")]
    spec = sankey(flows, ["a", "b", "c"], {"a": "A", "b": "B", "c": "C"}, width)
    boxes = [m["encode"]["enter"]["height"]["value"] for m in spec["marks"] if m["type"] == "rect"]
    assert boxes[1] == pytest.approx(3 * boxes[2])
    assert boxes[0] == pytest.approx(boxes[1] + boxes[2])
    drawn = drawing.svg(spec, "flows", "Flows", "says")
    assert "var(--up)" in drawn
    assert re.search(r"<text[^>]*>B  30</text>", drawn)


def test_a_drawing_is_the_same_each_time_and_loads_nothing():
    spec = charts.bars([{"label": "<a>", "value": 3, "text": "3"}], ["<a>"], 300)
    first = drawing.svg(spec, "x", "t", "d")
    assert drawing.svg(spec, "x", "t", "d") == first
    assert "&lt;a&gt;" in first
    outside = {"data": {"url": "https://example.com/rows.json"}, "mark": "bar", "encoding": {}}
    with pytest.raises(ValueError, match="example"):
        drawing.svg(outside, "x", "t", "d")


def palettes() -> dict[str, dict[str, str]]:
    """Colours by mode."""
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return {
        mode: dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", block))
        for mode, block in zip(("light", "dark", "print"), blocks, strict=True)
    }


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


TEXTS = [(ink, "--page") for ink in ("--ink", "--muted", "--link", "--good", "--bad")]
TEXTS += [("--ink", card) for card in ("--card", "--good-card", "--bad-card", "--warn-card")]
TEXTS += [("--good", "--good-card"), ("--bad", "--bad-card"), ("--warn", "--warn-card")]
TEXTS += [(f"--on-{shade}", f"--heat-{shade}") for shade in range(charts.LEVELS)]


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
def test_every_text_stands_out_from_what_is_behind_it(mode):
    colours = palettes()[mode]
    too_pale = {pair: round(contrast(*map(colours.get, pair)), 2) for pair in TEXTS}
    assert {pair: found for pair, found in too_pale.items() if found < 4.5} == {}
    bars = {name: contrast(colours[name], colours["--page"]) for name in ("--mark", "--up", "--down")}
    assert {name: round(found, 2) for name, found in bars.items() if found < 3} == {}


def test_paper_is_printed_in_the_colours_of_the_day():
    found = palettes()
    assert found["print"] == found["light"] | {"--link": found["print"]["--link"]}


def test_a_point_is_numbered_where_the_number_of_another_does_not_stand():
    near = [
        {"tenth": str(n), "forecast": float(x), "came": float(y)}
        for n, x, y in [(1, 90, 95), (2, 50, 52), (3, 48, 50), (4, 47, 60)]
    ]
    assert [point["tenth"] for point in forecast._named(near, 100)] == ["1", "2", "4"]
