"""Downloads: a file that a destination of kind `files` wrote, to somebody who may have contact details."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from perennial import config
from perennial.destinations import files, registry
from perennial.pages import audit, host, plans
from perennial.pages.visitors import Downloader
from perennial.pages.warehouse import reading, writing

router = APIRouter()

AT_ONCE = 1 << 16


@router.post("/audiences/{name}/file")
def download(request: Request, visitor: Downloader, name: str) -> Response:
    """The file of a plan, as it was written; one that was changed since is refused."""
    with reading() as session:
        plan = plans.one(session, name)
    if plan is None or told(plan) is None:
        raise HTTPException(404)
    settings = config.load().destinations.destinations[plan["destination"]]
    target = registry.make(settings, registry.connected(plan["destination"], settings, host.connection))
    with ExitStack() as opened:
        stream = opened.enter_context(target.written(plan["as_of"], plan["audience"], plan["receipt"]))
        file = told(plan)
        with writing() as session:  # nothing leaves that was not noted
            audit.note(session, visitor.name, "downloaded", plan=name, **file)
        closing = opened.pop_all()
    called = f"{name}{PurePosixPath(file['file']).suffix}"
    return StreamingResponse(
        _blocks(stream),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{called}"'},
        background=BackgroundTask(closing.close),
    )


def told(plan: dict[str, Any]) -> dict[str, Any] | None:
    """File, rows and sha256 of what the plan wrote; None where it wrote none, or config/ no longer says where to."""
    settings = config.load().destinations.destinations.get(plan["destination"])
    receipt = plan["receipt"] or {}
    if not isinstance(settings, files.Settings) or plan["status"] != "done" or "sha256" not in receipt:
        return None
    file = PurePosixPath(receipt["path"]).name
    return {"file": file, "rows": receipt["rows"], "sha256": receipt["sha256"]}


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(AT_ONCE):
        yield block
