"""The OpenAPI 3.1 description of the endpoints, made of the table that makes the routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, is_typeddict

import kerascope
from kerascope.studio.shapes import components, schema_of
from kerascope.studio.table import Endpoint

_MEANINGS = {
    400: "The request is not as described", 401: "The token is missing or wrong",
    403: "Host or origin is not this studio's", 404: "There is no such thing",
    408: "The body did not come", 409: "The model is not ready for it",
    413: "The body is too large", 415: "The body is of another type",
    429: "Too much waits already", 500: "Unexpected",
}  # fmt: skip
_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}


def description(table: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the description as JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in table:
        path = re.sub(r":\w+}", "}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kerascope studio", "version": kerascope.__version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": _ERROR,
                **components([e.gives for e in table if is_typeddict(e.gives)]),
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    shape = {} if endpoint.gives is None else {"schema": schema_of(endpoint.gives)}
    answers = {
        str(endpoint.status): {
            "description": "What was asked for", "content": {endpoint.answers: shape},
        },
        **{str(status): _refusal(status) for status in (*endpoint.errors, 500)},
    }  # fmt: skip
    found: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{endpoint.answer.__name__.strip('_')}",
        "summary": endpoint.words,
        "parameters": [*_path(endpoint), *_query(endpoint)],
        "responses": answers,
    }
    if endpoint.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": endpoint.body}}
        found["requestBody"] = {"required": True, "content": content}
    elif endpoint.method == "POST":
        found["requestBody"] = {"content": {media: {} for media in endpoint.media}}
    return found


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": _MEANINGS[status],
        "content": {"application/json": {"schema": schema}},
    }


def _path(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", endpoint.path)
    ]


def _query(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in endpoint.query.items()
    ]
