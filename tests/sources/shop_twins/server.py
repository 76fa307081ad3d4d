"""A shop's twin: one answer per request, and lists that repeat a page."""

import json
from abc import abstractmethod
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from http_twin import CUT, DROP, Answer, HttpTwin

REPEAT = "the page before is given again"
PAGING = ("page", "offset", "after", "modified_after", "starting_after")


@dataclass
class Request:
    """What came in; `body` is JSON."""

    method: str
    path: str
    query: dict[str, str]
    lists: dict[str, list[str]]  # parameters that may stand there more than once
    headers: dict[str, str]
    body: Any


class Twin(HttpTwin):
    """Calls are told as 'METHOD path'."""

    def __init__(self) -> None:
        super().__init__()
        self.before_each: Any = None  # called with each request: the shop goes on while it is read
        self._last: dict[str, Answer] = {}

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the vendor says."""

    def respond(self, handler: BaseHTTPRequestHandler, raw: bytes) -> tuple[Answer | None, bool]:
        parts = urlsplit(handler.path)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        lists: dict[str, list[str]] = {}
        for name, value in pairs:
            lists.setdefault(name, []).append(value)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        body = json.loads(raw) if raw else None
        request = Request(handler.command, parts.path, dict(pairs), lists, headers, body)
        call = f"{handler.command} {parts.path}"
        self.calls.append(call)
        if self.before_each:
            self.before_each(request)
        fault = self.fault(call)
        if fault == DROP or isinstance(fault, Answer):
            return None if fault == DROP else fault, False
        listing, is_first = _listing(request)
        if fault == REPEAT and not is_first and listing in self._last:
            return self._last[listing], False
        answer = self._last[listing] = self.answer(request)
        return answer, fault == CUT


def _listing(request: Request) -> tuple[str, bool]:
    """Which list is read, whatever the page, and whether this is its first page."""
    asked = request.query | ((request.body or {}).get("variables") or {})
    pages = [asked.get(name) for name in PAGING]
    same = {name: value for name, value in asked.items() if name not in PAGING}
    text = (request.body or {}).get("query", "")
    return f"{request.path} {sorted(same.items())} {text}", all(page in (None, "0", "1") for page in pages)


def must(condition: Any, what: str) -> None:
    """Something a vendor would not understand."""
    if not condition:
        raise AssertionError(what)
