"""Lifecycle: the reports that the nights wrote, as they stand in the state folder."""

from datetime import date

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response

from perennial import paths
from perennial.pages.html import answer
from perennial.pages.visitors import Reader

router = APIRouter()

SHOWN = 60
# the report says itself what it may load: nothing
FRAMED = {"Content-Security-Policy": "frame-ancestors 'self'"}


@router.get("/lifecycle")
def page(request: Request, visitor: Reader, night: date | None = None) -> Response:
    """The report of a night in a frame, and which nights have one."""
    written = _written()
    chosen = night if night in written else next(iter(written), None)
    return answer(request, "lifecycle.html", visitor, tab="lifecycle", nights=written[:SHOWN], as_of=chosen)


@router.get("/lifecycle/{night}")
def report(night: date, _: Reader) -> Response:
    """The file itself."""
    path = paths.report() / f"{night}.html"
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="text/html", headers=FRAMED)


def _written() -> list[date]:
    """The nights with a report, the newest first."""
    found = []
    for path in paths.report().glob("????-??-??.html"):
        try:
            found.append(date.fromisoformat(path.stem))
        except ValueError:
            continue
    return sorted(found, reverse=True)
