"""A bucket on this machine: moto's server, with faults on demand before it."""

import itertools
import threading
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from perennial.connections import Connection

NUMBERS = itertools.count(1)
BODY = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
KEY = "AKIAEXAMPLE", "secret-of-the-test"


class _Quiet(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None:
        pass


@dataclass
class Fault:
    """What the next requests of a kind are answered; `after` the bucket has done what was asked."""

    method: str
    status: int
    code: str
    times: int
    after: bool = False


@dataclass
class S3Server:
    """One server for all tests, a bucket for each."""

    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def bucket(self) -> str:
        """A new bucket's name; faults of earlier tests are forgotten."""
        self.faults.clear()
        self.calls.clear()
        name = f"bucket-{next(NUMBERS)}"
        self.client.create_bucket(Bucket=name)
        return name

    @cached_property
    def client(self) -> Any:
        """A client of the test's own."""
        key = {"aws_access_key_id": KEY[0], "aws_secret_access_key": KEY[1]}
        return boto3.session.Session(region_name="us-east-1", **key).client("s3", endpoint_url=self.url)

    def connection(self, **more: str) -> Connection:
        extra = {"endpoint_url": self.url, "region_name": "us-east-1"} | more
        return Connection("aws", login=KEY[0], password=KEY[1], extra=tuple(extra.items()))

    def _answer(self, environ: dict[str, Any], start: Any) -> Any:
        method = environ["REQUEST_METHOD"]
        self.calls.append(method)
        fault = next((f for f in self.faults if f.times and f.method == method), None)
        if fault is None:
            return self._moto(environ, start)
        fault.times -= 1
        if fault.after:
            list(self._moto(environ, lambda *args: None))
        elif length := int(environ.get("CONTENT_LENGTH") or 0):
            environ["wsgi.input"].read(length)
        body = BODY.format(code=fault.code).encode()
        start(f"{fault.status} no", [("content-type", "application/xml"), ("content-length", str(len(body)))])
        return [body]


@cache
def server() -> S3Server:
    """The server, started when it is first asked for."""
    return S3Server()
