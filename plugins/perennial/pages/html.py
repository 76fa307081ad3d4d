"""Templates into answers. Whatever a row says: no contact detail leaves by a page."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from perennial.lifecycle.phrases import Words
from perennial.pages.visitors import Visitor
from perennial.report import text
from perennial.report.bilingual import both

HERE = Path(__file__).parent
SECURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def answer(
    request: Request, template: str, visitor: Visitor | None = None, *, code: int = 200, **context: Any
) -> HTMLResponse:
    """A page from a template; every page has `base`, the path it lies below, and `visitor`."""
    base = request.scope.get("root_path", "").rstrip("/")
    body = _templates().get_template(template).render(base=base, visitor=visitor, **context)
    return HTMLResponse(body, code)


@cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.filters |= {"both": lambda words: Markup(text.masked(both(words))), "count": text.count, "key": text.key}
    found.filters |= {"masked": lambda value: text.masked(str(value)), "day": text.day, "signed": _signed}
    found.globals |= {"words": Words}
    return found


def _signed(value: int) -> str:
    return text.signed(value, text.count)
