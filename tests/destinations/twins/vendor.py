"""A campaign tool's twin: routes, and everything that went against the tool's own specification."""

import json
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

from http_twin import DROP, DROP_AFTER, Answer, HttpTwin
from twins.spec import Spec


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


def route(method: str, template: str) -> Callable:
    """Marks a method of a twin as what answers this call of the specification."""

    def mark(function: Callable) -> Callable:
        function.route = (method.lower(), template)
        return function

    return mark


class Twin(HttpTwin):
    """Calls are told as 'METHOD template', a template being a path of the specification."""

    spec: Spec
    routes: ClassVar[dict[tuple[str, str], str]]

    def __init_subclass__(cls) -> None:
        found = ((getattr(cls, name, None), name) for name in dir(cls))
        cls.routes = {function.route: name for function, name in found if hasattr(function, "route")}

    @abstractmethod
    def authorised(self, request: Request) -> Answer | None:
        """None if the key is right."""

    def respond(self, handler: BaseHTTPRequestHandler, raw: bytes) -> tuple[Answer | None, bool]:
        parts = urlsplit(handler.path)
        path, method = unquote(parts.path), handler.command
        template = self.spec.template(method, path)
        name = f"{method} {template or path}"
        self.calls.append(name)
        if (method.lower(), template) not in self.routes:
            self.violations.append(f"{name} must never be called")
            return Answer(501), False
        fault = self.fault(name)
        if fault == DROP or isinstance(fault, Answer):
            return None if fault == DROP else fault, False
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
        return None if fault == DROP_AFTER else answer, False


def _ids(template: str, path: str) -> dict[str, str]:
    pairs = zip(template.strip("/").split("/"), path.strip("/").split("/"), strict=True)
    return {t[t.index("{") + 1 : t.index("}")]: p.removesuffix(t.split("}")[-1] or "\0") for t, p in pairs if "{" in t}
