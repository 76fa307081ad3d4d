"""Specs to SVG by Vega, in this process: no browser, no network, no script in the page."""

import re
from html import escape
from typing import Any

import vl_convert

# colours are the page's, so that one drawing serves light, dark and print
CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 0,
        "titleLimit": 0,
    },
    "header": {"labelColor": "var(--ink)", "labelFontSize": 12, "labelLimit": 0, "titleColor": "var(--muted)"},
    "text": {"color": "var(--ink)", "fontSize": 12},
    "bar": {"color": "var(--mark)"},
    "line": {"color": "var(--mark)", "strokeWidth": 2},
    "area": {"color": "var(--mark)"},
    "point": {"color": "var(--mark)", "filled": True, "size": 60, "opacity": 1},
    "rule": {"color": "var(--muted)"},
}
# what Vega writes for scripts that would move its marks, or what is the default anyway
NEEDLESS = re.compile(
    r' (?:aria-[a-z]+|role|pointer-events|font-family|opacity|stroke-opacity|fill-opacity)="(?:true|1|none|sans-serif'
    r'|img|bar|graphics-object|graphics-symbol|[a-z ]*container[a-z ]*|[a-z -]*mark[a-z ]*|axis|title)"'
)
LABEL = re.compile(r' aria-label="[^"]*"')
EMPTY_PATH = re.compile(r'<path class="(?:background|foreground)"(?: [a-z-]+="[^"]*")*? d="(?:|M0,0h0v0h0Z)"[^>]*/>')
CLASS = re.compile(r' class="[^"]*"')
LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")
ID = re.compile(r'<clipPath id="(\w+)"')
TAG = re.compile(r"<[^>]+>")


def svg(spec: dict[str, Any], name: str, title: str, says: str) -> str:
    """The drawing as an element of the page, with a title and a description for who cannot see it.

    A spec with `marks` is Vega's, any other Vega-Lite's.
    """
    if "marks" in spec:
        drawn = vl_convert.vega_to_svg(spec, allowed_base_urls=[])
    else:
        drawn = vl_convert.vegalite_to_svg(spec | {"config": CONFIG | spec.get("config", {})}, allowed_base_urls=[])
    head, _, body = drawn.partition(">")
    wide, high = (float(re.search(rf' {side}="([\d.]+)"', head)[1]) for side in ("width", "height"))
    body = TAG.sub(lambda tag: _lean(tag[0]), EMPTY_PATH.sub("", body))
    # Vega numbers ids from where the drawing before ended; on the page they are this drawing's, in their order
    for number, found in enumerate(dict.fromkeys(ID.findall(body))):
        body = re.sub(rf'(id="|url\(#){found}\b', rf"\g<1>{name}-{number}", body)
    return (
        f'<svg viewBox="0 0 {wide:g} {high:g}" style="max-width:{wide:g}px" role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escape(title)}</title>'
        f'<desc id="{name}-d">{escape(says)}</desc>{body}'
    )


def _lean(tag: str) -> str:
    """A tag without what the page does not need."""
    return LONG_NUMBER.sub(r"\1", CLASS.sub("", LABEL.sub("", NEEDLESS.sub("", tag))))
