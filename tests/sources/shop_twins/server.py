"""The server part of a twin: one answer per request, and faults on demand."""

import json
import socket
import threading
import traceback
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DROP = "the connection is closed before an answer"
CUT = "the connection is closed in the middle of the answer"
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


@dataclass
class Answer:
    """What goes out: JSON, or bytes."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Fault:
    """Something that goes wrong with the next requests to a path, after so many that go well."""

    what: Answer | str
    path: str
    times: int
    after: int


class Twin:
    """A vendor on this machine. Tests end with `twin.violations == []`."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self.before_each: Any = None  # called with each request: the shop goes on while it is read
        self._lock = threading.Lock()
        self._last: dict[str, Answer] = {}
        twin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: Any) -> None:
                pass

            def _any(self) -> None:
                twin._serve(self)

            do_GET = do_POST = _any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fail(self, what: Answer | str, path: str = "/", times: int = 1, after: int = 0) -> None:
        """Let requests to a path (a part of it) fail, after some that go well."""
        self.faults.append(Fault(what, path, times, after))

    def count(self, path: str) -> int:
        """How many requests came to paths with this in them."""
        return sum(path in call for call in self.calls)

    def answer(self, request: Request) -> Answer:
        """What the vendor says."""
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self._lock:
            answer, cut = self._answer(handler, raw)
        if answer is None:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        handler.send_header("content-length", str(len(content)))
        for name, value in answer.headers:
            handler.send_header(name, value)
        handler.end_headers()
        if cut:
            handler.wfile.write(content[: len(content) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            handler.wfile.write(content)

    def _answer(self, handler: BaseHTTPRequestHandler, raw: bytes) -> tuple[Answer | None, bool]:
        parts = urlsplit(handler.path)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        lists: dict[str, list[str]] = {}
        for name, value in pairs:
            lists.setdefault(name, []).append(value)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        body = json.loads(raw) if raw else None
        request = Request(handler.command, parts.path, dict(pairs), lists, headers, body)
        self.calls.append(f"{handler.command} {parts.path}")
        try:
            if self.before_each:
                self.before_each(request)
            fault = self._fault(parts.path)
            if fault == DROP:
                return None, False
            if isinstance(fault, Answer):
                return fault, False
            listing, is_first = _listing(request)
            if fault == REPEAT and not is_first and listing in self._last:
                return self._last[listing], False
            answer = self._last[listing] = self.answer(request)
            return answer, fault == CUT
        except Exception as error:  # a twin that breaks has not understood the request
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.violations.append(f"{handler.command} {handler.path}: {error!r} in {where.name}:{where.lineno}")
            return Answer(501, {}), False

    def _fault(self, path: str) -> Answer | str | None:
        for fault in self.faults:
            if fault.path in path and fault.times:
                if fault.after:
                    fault.after -= 1
                    return None
                fault.times -= 1
                return fault.what
        return None


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
