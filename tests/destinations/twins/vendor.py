"""The server part of a vendor's twin: routes, faults on demand, and everything that went against the specification."""

import json
import socket
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from twins.spec import Spec

DROP = "drop"  # the connection is closed before anything was done
DROP_AFTER = "drop after"  # ... after it was done


@dataclass
class Request:
    """What came in; `body` is JSON or a form."""

    method: str
    path: str
    template: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    body: Any
    ids: dict[str, str]


@dataclass
class Answer:
    """What goes out: JSON, text for garbage, or nothing."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Fault:
    """Something that goes wrong instead of the next requests to a route (a part of 'METHOD template')."""

    what: Answer | str
    times: int
    route: str


def route(method: str, template: str) -> Callable:
    """Marks a method of a twin as what answers this call of the specification."""

    def mark(function: Callable) -> Callable:
        function.route = (method.lower(), template)
        return function

    return mark


class Twin:
    """A vendor on this machine. Tests end with `twin.violations == []`."""

    media = "application/json"
    base = ""  # what the address of the interface ends with
    spec: Spec
    routes: ClassVar[dict[tuple[str, str], str]]

    def __init_subclass__(cls) -> None:
        found = ((getattr(cls, name), name) for name in dir(cls))
        cls.routes = {function.route: name for function, name in found if hasattr(function, "route")}

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.calls: list[str] = []  # 'METHOD template', in order, also those that failed
        self.faults: list[Fault] = []
        self._lock = threading.Lock()
        twin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: Any) -> None:
                pass

            def _any(self) -> None:
                twin._serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{self.base}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def fail(self, what: Answer | str, route: str, times: int = 1) -> None:
        """Let the next requests to a route fail."""
        self.faults.append(Fault(what, times, route))

    def count(self, route: str) -> int:
        """How many requests came to routes with this in their name."""
        return sum(route in call for call in self.calls)

    def authorised(self, request: Request) -> Answer | None:
        """None if the key is right."""
        raise NotImplementedError

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self._lock:
            try:
                answer, after = self._answer(handler, raw)
            except Exception as error:  # a twin that breaks has not understood the request
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.violations.append(
                    f"{handler.command} {handler.path}: {error!r} in {where.filename}:{where.lineno}"
                )
                answer, after = Answer(501), False
        if answer is None or after:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        content = b"" if answer.body is None else answer.body if isinstance(answer.body, bytes) else _json(answer.body)
        handler.send_response(answer.status)
        handler.send_header("content-type", self.media)
        handler.send_header("content-length", str(len(content)))
        for name, value in answer.headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _answer(self, handler: BaseHTTPRequestHandler, raw: bytes) -> tuple[Answer | None, bool]:
        parts = urlsplit(handler.path)
        path, method = unquote(parts.path), handler.command
        template = self.spec.template(method, path)
        name = f"{method} {template or path}"
        self.calls.append(name)
        if (method.lower(), template) not in self.routes:
            self.violations.append(f"{name} must never be called")
            return Answer(501), False
        fault = next((f for f in self.faults if f.route in name and f.times), None)
        if fault:
            fault.times -= 1
            if fault.what == DROP:
                return None, False
            if isinstance(fault.what, Answer):
                return fault.what, False
        query = parse_qsl(parts.query, keep_blank_values=True)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        body = json.loads(raw) if raw and "json" in headers.get("content-type", "") else dict(parse_qsl(raw.decode()))
        ids = _ids(template, path)
        request = Request(method, path, template, dict(query), headers, raw, body, ids)
        if refused := self.authorised(request):
            return refused, False
        self.violations += [f"{name}: {w}" for w in self.spec.wrong(template, method, path, query, headers, raw)]
        answer = getattr(self, self.routes[method.lower(), template])(request)
        if not isinstance(answer.body, bytes):
            wrong = self.spec.answer_wrong(template, method, path, answer.status, answer.body)
            self.violations += [f"answer to {name}: {w}" for w in wrong]
        return answer, bool(fault)


def _ids(template: str, path: str) -> dict[str, str]:
    pairs = zip(template.strip("/").split("/"), path.strip("/").split("/"), strict=True)
    return {t[t.index("{") + 1 : t.index("}")]: p.removesuffix(t.split("}")[-1] or "\0") for t, p in pairs if "{" in t}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
