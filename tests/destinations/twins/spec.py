"""A vendor's OpenAPI files, and what a request or an answer has wrong by them."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.testing import MockResponse
from werkzeug.datastructures import Headers, ImmutableMultiDict

PROJECT = Path(__file__).parents[3]
ANSWERS = 30  # of each kind that are checked: they are made by the same lines
SAMPLE = 40  # entries of a long list that are checked, spread over it


def folder() -> Path:
    """Where the vendors' files are; skips the test if they are not here."""
    named = os.environ.get("PERENNIAL_VENDOR_SPECS")
    found = Path(named) if named else PROJECT.parent / "shared" / "specs"
    if not found.is_dir():
        pytest.skip(f"no vendor specifications at {found}; name their folder in PERENNIAL_VENDOR_SPECS")
    return found


class _Request:
    """What openapi-core wants to know of a request."""

    def __init__(self, host: str, method: str, path: str, query: list, headers: Mapping[str, str], body: bytes | None):
        self.host_url, self.method, self.path, self.body = host, method.lower(), path, body
        self.parameters = RequestParameters(ImmutableMultiDict(query), Headers(list(headers.items())))
        self.content_type = headers.get("content-type", "")
        self.full_url_pattern = host + path


class Spec:
    """One or more OpenAPI 3 files of a vendor, strict: what they do not name must not be sent either."""

    def __init__(self, documents: list[dict[str, Any]], only: str = ""):
        self.operations: dict[tuple[str, str], dict[str, Any]] = {}
        self.apis = []
        self._seen: set[str] = set()
        self._answers: Counter[tuple[str, str, int]] = Counter()
        for document in documents:
            document = deepcopy(document)
            document["paths"] = {path: ops for path, ops in document["paths"].items() if path.startswith(only)}
            _forbid_unknown(document)
            self.apis.append((document, OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))))
            for path, operations in document["paths"].items():
                for method in {"get", "put", "post", "patch", "delete"} & set(operations):
                    self.operations[method, path] = document

    @classmethod
    @cache
    def read(cls, vendor: str, *names: str, only: str = "") -> "Spec":
        """The named JSON files of a vendor."""
        return cls([json.loads((folder() / vendor / name).read_text()) for name in names], only)

    def template(self, method: str, path: str) -> str | None:
        """The path as the specification writes it."""
        fitting = [t for m, t in self.operations if m == method.lower() and _fits(t, path)]
        return min(fitting, key=lambda t: t.count("{"), default=None)

    def wrong(self, template: str, method: str, path: str, query: list, headers: Mapping, body: bytes) -> list[str]:
        """What the specification says against a request."""
        document = self.operations[method.lower(), template]
        operation = document["paths"][template]
        declared = [*operation.get("parameters", []), *operation[method.lower()].get("parameters", [])]
        declared = [_resolve(document, parameter) for parameter in declared]
        names = {p["name"] for p in declared if p["in"] == "query"}
        found = [f"unknown parameter {name}" for name, _ in query if name not in names]
        if body and "urlencoded" in headers.get("content-type", ""):
            content = operation[method.lower()]["requestBody"]["content"]["application/x-www-form-urlencoded"]
            known = _resolve(document, content["schema"])["properties"]
            found += [f"unknown field {name}" for name, _ in parse_qsl(body.decode()) if name not in known]
        if body and "json" in headers.get("content-type", ""):
            body = json.dumps(_thin(json.loads(body))).encode()
        mark = repr((method, template, [(n, v) for n, v in query if "cursor" not in n and n != "offset"], body))
        if not found and mark in self._seen:
            return []
        host = _host(document)
        request = _Request(host, method, path, query, headers, body or None)
        api = next(a for d, a in self.apis if d is document)
        found += [_words(error) for error in api.iter_request_errors(request)]
        if not found:
            self._seen.add(mark)
        return found

    def answer_wrong(self, template: str, method: str, path: str, status: int, answer: Any) -> list[str]:
        """What the specification says against an answer of ours: a twin that lies proves nothing."""
        document = self.operations[method.lower(), template]
        content = document["paths"][template][method.lower()]["responses"].get(str(status), {}).get("content") or {}
        self._answers[method, template, status] += 1
        if status >= 300 or not content or self._answers[method, template, status] > ANSWERS:
            return []
        kind = next(iter(content))
        request = _Request(_host(document), method, path, [], {}, None)
        response = MockResponse(json.dumps(_thin(answer)).encode(), status_code=status, content_type=kind)
        api = next(a for d, a in self.apis if d is document)
        return [_words(error) for error in api.iter_response_errors(request, response)]


def _host(document: dict[str, Any]) -> str:
    return document["servers"][0]["url"].rstrip("/")


def _fits(template: str, path: str) -> bool:
    ours, theirs = template.strip("/").split("/"), path.strip("/").split("/")
    return len(ours) == len(theirs) and all(_part_fits(a, b) for a, b in zip(ours, theirs, strict=True))


def _part_fits(template: str, part: str) -> bool:
    if "{" not in template:
        return template == part
    before, after = template.split("{")[0], template.split("}")[-1]
    return part.startswith(before) and part.endswith(after)


def _words(error: Exception) -> str:
    cause = error.__cause__
    reasons = getattr(cause, "schema_errors", None) or ()
    said = "; ".join(f"{list(e.absolute_path)}: {e.message}" for e in reasons)
    return f"{type(error).__name__} {error} {said or cause or ''}"[-600:]


def _resolve(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].split("/")[1:]:
            found = found[step.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def _forbid_unknown(document: dict[str, Any]) -> None:
    """Objects whose properties are named have no others, in whatever is sent."""

    def walk(node: Any, seen: set[int]) -> None:
        if isinstance(node, list):
            for entry in node:
                walk(entry, seen)
        elif isinstance(node, dict):
            node = _resolve(document, node)
            if id(node) in seen:
                return
            seen.add(id(node))
            named = node.get("properties")
            free = "additionalProperties" in node or any(k in node for k in ("allOf", "anyOf", "oneOf", "example"))
            if isinstance(named, dict) and named and not free:
                node["additionalProperties"] = False
            for key, value in node.items():
                if key not in ("example", "examples", "enum"):
                    walk(value, seen)

    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "requestBody" in operation:
                walk(operation["requestBody"], set())


def _thin(value: Any) -> Any:
    """The same with some entries of long lists: checking a hundred thousand alike proves no more."""
    if isinstance(value, dict):
        return {key: _thin(entry) for key, entry in value.items()}
    if isinstance(value, list):
        step = max(1, len(value) // SAMPLE)
        return [_thin(entry) for entry in value[::step]]
    return value


def read_yaml(vendor: str, name: str) -> dict[str, Any]:
    """A vendor's file in YAML."""
    return yaml.load((folder() / vendor / name).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
