"""``openapi.yaml`` from the routes and the records: ``python -m lentiq_jupyter.server.openapi`` rewrites it.

Front ends generate their types from the document. Answers always carry every field; what a client
sends may leave out fields that have a default.
"""

from __future__ import annotations

import dataclasses
import inspect
import io
import types
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML

from ..model import encode
from .documents import Failure
from .route import Route
from .routes import ROUTES

DOCUMENT = Path(__file__).with_name("openapi.yaml")
_UNIONS = (Union, types.UnionType)
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def document(routes: tuple[Route, ...] = ROUTES) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes, as plain values."""
    components = Components(sent=_reachable(route.body for route in routes if route.body))
    failure = {"description": "It failed.", "content": _json(components.schema(Failure))}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault("/" + route.path, {})[route.verb.lower()] = _operation(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lentiq for Jupyter",
            "version": "1",
            "description": "Blocks, workflows and runs of a data pool. Served by Jupyter Server under /lentiq/.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [{"url": "/lentiq", "description": "below the base URL of the Jupyter server"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "responses": {"Failure": failure},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "The word token, a space, and the server's token or LENTIQ_API_TOKEN.",
                }
            },
        },
    }


def text() -> str:
    """The document as YAML, the same bytes each time."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 120
    out = io.StringIO()
    out.write("# Written by lentiq_jupyter/server/openapi.py; do not edit.\n")
    yaml.dump(document(), out)
    return out.getvalue()


class Components:
    """Collects the schemas of records and enums, each once, under its name.

    Parameters
    ----------
    sent : set of types
        Records that clients send: their fields with defaults may be missing.
    """

    def __init__(self, sent: set[type]) -> None:
        self.sent = sent
        self.schemas: dict[str, Any] = {}

    def schema(self, kind: Any) -> dict[str, Any]:
        """The schema of a type as an annotation says it; records and enums become references."""
        origin, args = get_origin(kind), get_args(kind)
        if kind is object or (origin in _UNIONS and set(args) >= {bool, int, str}):
            self.schemas.setdefault("Json", {"description": "Any JSON document."})
            return {"$ref": "#/components/schemas/Json"}
        if origin in _UNIONS:
            inner = self.schema(next(one for one in args if one is not type(None)))
            if "type" in inner:
                return {**inner, "type": [inner["type"], "null"]}
            return {"anyOf": [inner, {"type": "null"}]}
        if origin is tuple:
            return {"type": "array", "items": self.schema(args[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.schema(args[1])}
        if kind is datetime:
            return {"type": "string", "format": "date-time"}
        if kind in _PLAIN:
            return {"type": _PLAIN[kind]}
        if kind.__name__ not in self.schemas:
            self.schemas[kind.__name__] = {}  # reserved first: records may refer to each other
            self.schemas[kind.__name__] = self._enum(kind) if issubclass(kind, Enum) else self._record(kind)
        return {"$ref": f"#/components/schemas/{kind.__name__}"}

    def _enum(self, kind: type[Enum]) -> dict[str, Any]:
        return {"description": _first_line(kind), "type": "string", "enum": [one.value for one in kind]}

    def _record(self, kind: Any) -> dict[str, Any]:
        hints = get_type_hints(kind)
        properties: dict[str, Any] = {}
        required: list[str] = []
        for one in dataclasses.fields(kind):
            properties[one.name] = self.schema(hints[one.name])
            missing = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
            if missing or kind not in self.sent:
                required.append(one.name)
            else:
                value = one.default if one.default_factory is dataclasses.MISSING else one.default_factory()
                properties[one.name]["default"] = encode(value)
        found = {"description": _first_line(kind), "type": "object", "properties": properties}
        return {**found, "required": required, "additionalProperties": False}


def _operation(route: Route, components: Components) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters
    ]
    for one in route.query:
        schema = components.schema(one.kind) | ({} if one.default is None else {"default": one.default})
        parameters.append({"name": one.name, "in": "query", "required": one.required, "schema": schema})
    success: dict[str, Any] = {"description": "Done."}
    if route.answer in (bytes, str):
        success["content"] = {route.media: {"schema": {"type": "object" if route.answer is bytes else "string"}}}
    elif route.answer is not None:
        success["content"] = _json(components.schema(route.answer))
    found: dict[str, Any] = {"operationId": route.name, "summary": route.summary}
    found["tags"] = [route.path.partition("/")[0]]
    if parameters:
        found["parameters"] = parameters
    if route.body is not None:
        found["requestBody"] = {"required": route.body_required, "content": _json(components.schema(route.body))}
    found["responses"] = {str(route.status): success, "default": {"$ref": "#/components/responses/Failure"}}
    return found


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _reachable(kinds: Any) -> set[type]:
    """All records inside these."""
    found: set[type] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if dataclasses.is_dataclass(kind) and kind not in found:
            found.add(kind)  # type: ignore[arg-type]  # a class, since annotations hold classes
            waiting.extend(get_type_hints(kind).values())
        waiting.extend(get_args(kind))
    return found


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
