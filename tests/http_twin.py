"""The server part of every twin: a vendor on this machine, faults on demand, and what it did not understand."""

import json
import socket
import threading
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = "the connection is closed before anything was done"
DROP_AFTER = "the connection is closed after it was done, before an answer"
CUT = "the connection is closed in the middle of the answer"


@dataclass
class Answer:
    """What goes out: JSON, bytes as they are, or nothing."""

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Fault:
    """Something that goes wrong with the next requests to a place, after so many that go well."""

    what: Answer | str
    place: str
    times: int
    after: int


class HttpTwin(ABC):
    """A server that answers one request at a time. Tests end with `twin.violations == []`."""

    media = "application/json"
    base = ""  # what the address of the interface ends with

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.calls: list[str] = []  # 'METHOD place', in order, also those that failed
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

    def fail(self, what: Answer | str, place: str = "/", times: int = 1, after: int = 0) -> None:
        """Let the next requests to a place, a part of 'METHOD place', fail."""
        self.faults.append(Fault(what, place, times, after))

    def count(self, place: str) -> int:
        """How many requests came to places with this in their name."""
        return sum(place in call for call in self.calls)

    @abstractmethod
    def respond(self, handler: BaseHTTPRequestHandler, raw: bytes) -> tuple[Answer | None, bool]:
        """The answer, None for a connection that is closed without one, and whether it is cut in the middle."""

    def fault(self, call: str) -> Answer | str | None:
        """What goes wrong with this call, if anything does."""
        for fault in self.faults:
            if fault.place in call and fault.times:
                if fault.after:
                    fault.after -= 1
                    return None
                fault.times -= 1
                return fault.what
        return None

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        with self._lock:
            try:
                answer, cut = self.respond(handler, raw)
            except Exception as error:  # a twin that breaks has not understood the request
                where = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{where.filename}:{where.lineno}"
                self.violations.append(f"{handler.command} {handler.path}: {error!r} in {place}")
                answer, cut = Answer(501), False
        if answer:
            content = answer.content()
            handler.send_response(answer.status)
            for name, value in (("content-type", self.media), ("content-length", str(len(content))), *answer.headers):
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content[: len(content) // 2] if cut else content)
            handler.wfile.flush()
        if cut or not answer:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
