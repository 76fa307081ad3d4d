"""Who is looking, what she may, and whether a form that arrives is one that we gave her."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Form, HTTPException, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from perennial.pages import host

LASTS = 12 * 3600  # seconds for which a form can be sent


@dataclass(frozen=True)
class Visitor:
    """Somebody who signed in to Airflow and may read the pages; `token` goes into every form she gets."""

    name: str
    may_decide: bool
    may_download: bool
    token: str


def visitor(request: Request, user: Annotated[Any, Depends(host.get_user)]) -> Visitor:
    """Who it is; 403 for somebody who may not see the nightly DAG."""
    if not host.may_read(user):
        raise HTTPException(403, "read")
    return Visitor(user.get_name(), host.may_decide(user), host.may_download(user), _signer().dumps(_id(user)))


def sender(
    request: Request, user: Annotated[Any, Depends(host.get_user)], token: Annotated[str, Form()] = ""
) -> Visitor:
    """Who sent a form; 403 unless it is one of ours, given to her, and sent from a page of ours."""
    found = visitor(request, user)
    try:
        is_ours = _signer().loads(token, max_age=LASTS) == _id(user)
    except BadSignature:
        is_ours = False
    if not is_ours or not _from_here(request):
        raise HTTPException(403, "form")
    return found


def decider(found: Annotated[Visitor, Depends(sender)]) -> Visitor:
    """Who sent a decision; 403 for somebody who may only read."""
    if not found.may_decide:
        raise HTTPException(403, "decide")
    return found


def downloader(found: Annotated[Visitor, Depends(sender)]) -> Visitor:
    """Who asks for a file; 403 for somebody who may not have contact details."""
    if not found.may_download:
        raise HTTPException(403, "download")
    return found


Reader = Annotated[Visitor, Depends(visitor)]
Sender = Annotated[Visitor, Depends(sender)]
Decider = Annotated[Visitor, Depends(decider)]
Downloader = Annotated[Visitor, Depends(downloader)]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(host.secret(), salt="perennial.pages")


def _id(user: Any) -> str:
    return f"{type(user).__name__} {user.get_id()}"


def _from_here(request: Request) -> bool:
    """What the browser says of the page that sent it; a browser that says nothing still needs our token."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
