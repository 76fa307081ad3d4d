"""Swagger 2.0 as OpenAPI 3.0, as far as a vendor's file uses it."""

from typing import Any

KEPT = ("name", "in", "description", "required")


def converted(document: dict[str, Any]) -> dict[str, Any]:
    """The same interface in OpenAPI 3.0."""
    media = (document.get("consumes") or ["application/json"])[0]
    paths = {
        document["basePath"] + path: {method: _operation(entry, media) for method, entry in operations.items()}
        for path, operations in document["paths"].items()
    }
    server = f"{document['schemes'][0]}://{document['host']}"
    found = {
        "openapi": "3.0.3",
        "info": document["info"],
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": document["definitions"], "securitySchemes": document["securityDefinitions"]},
    }
    return _moved(found)


def _operation(operation: dict[str, Any], media: str) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    made: dict[str, Any] = {
        "parameters": [_parameter(p) for p in parameters if p["in"] not in ("body", "formData")],
        "responses": {
            str(status): {"description": r.get("description", "")}
            | ({"content": {"application/json": {"schema": r["schema"]}}} if "schema" in r else {})
            for status, r in operation["responses"].items()
        },
    }
    for body in (p for p in parameters if p["in"] == "body"):
        made["requestBody"] = {"required": body.get("required", False), "content": {media: {"schema": body["schema"]}}}
    return made


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {k: v for k, v in parameter.items() if k not in KEPT and not k.startswith("x-")}
    schema.pop("collectionFormat", None)
    made = {k: v for k, v in parameter.items() if k in KEPT} | {"schema": schema}
    if schema.get("type") == "array":
        made |= {"style": "form", "explode": False}
    return made


def _moved(node: Any) -> Any:
    if isinstance(node, list):
        return [_moved(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value.replace("#/definitions/", "#/components/schemas/") if key == "$ref" else _moved(value)
        for key, value in node.items()
    }
