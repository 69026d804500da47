"""Endpoints as a table: routes, checks and the OpenAPI description are all made of it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kerascope.studio.errors import Problem
from kerascope.studio.schema import Schema, check

SMALL = 1 << 22  # bytes of a JSON body: 4 MiB, which holds a mask
_PATIENCE = 20.0  # seconds without a byte until a body is given up


@dataclasses.dataclass(frozen=True, kw_only=True)
class Given:
    """A checked request."""

    studio: Any
    request: Request
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One row: what can be asked, and who answers.

    body: schema of the JSON body; None: no body, or one that `answer` reads itself (`media`).
    most: bytes of the body. answers: media types of the answer. gives: the shape of one of JSON, a
    typed dict of `answers`.
    """

    method: str
    path: str
    words: str
    answer: Callable[[Given], Awaitable[Response]]
    query: Mapping[str, Schema] = dataclasses.field(default_factory=dict)
    body: Schema | None = None
    media: tuple[str, ...] = ("application/json",)
    most: int = SMALL
    status: int = 200
    answers: str = "application/json"
    gives: Any = None
    errors: tuple[int, ...] = (400, 401, 403)


def json_answer(value: Any, status: int = 200) -> Response:
    """Return an answer of JSON, ASCII only."""
    return Response(json.dumps(value, allow_nan=False), status, media_type="application/json")


async def given_of(endpoint: Endpoint, request: Request) -> Given:
    """Return the request, checked against the row; raise `Problem`."""
    query = _query(endpoint, request)
    body = None
    if endpoint.body is not None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(415, f"the body must be application/json, not '{kind[:60]}'")
        body = await asyncio.to_thread(_json, await read_body(request, endpoint.most))
        check(body, endpoint.body, "body")
    return Given(
        studio=request.app.state.studio, request=request, path=request.path_params, query=query,
        body=body,
    )  # fmt: skip


def _query(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """Return the query's values by name, numbers read; raise `Problem` for others."""
    found: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        schema = endpoint.query.get(name)
        if schema is None or name in found:
            raise Problem(400, f"the query has no field '{name[:40]}'" if schema is None else
                          f"the query has '{name}' twice")  # fmt: skip
        value: Any = text
        if schema["type"] == "integer":
            if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 12:
                raise Problem(400, f"{name}='{text[:40]}' must be a whole number")
            value = int(text)
        check(value, schema, name)
        found[name] = value
    for name, schema in endpoint.query.items():
        if name not in found and "default" in schema:
            found[name] = schema["default"]
    return found


def _json(content: bytes) -> Any:
    def refuse(text: str) -> Any:
        raise ValueError(f"{text} is no JSON")

    def number(text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else refuse(text[:20])

    try:
        return json.loads(content, parse_constant=refuse, parse_float=number)
    except RecursionError as error:
        raise Problem(400, "the body is nested too deeply") from error
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {error}") from error


async def read_body(request: Request, most: int) -> bytes:
    """Return the body, counted while it comes; raise `Problem` (413, 408)."""
    parts = [part async for part in parts_of(request, most)]
    return b"".join(parts)


async def parts_of(request: Request, most: int) -> Any:
    """Yield the body as it comes; raise `Problem` where it is too long or too slow."""
    claimed = request.headers.get("content-length", "0")
    if claimed.isdigit() and int(claimed) > most:
        raise Problem(413, f"the body has {int(claimed):,} bytes; at most {most:,} are taken")
    stream, count = request.stream().__aiter__(), 0
    while True:
        try:
            part = await asyncio.wait_for(anext(stream), _PATIENCE)
        except StopAsyncIteration:
            return
        except ClientDisconnect as error:
            raise Problem(400, "the body was cut off") from error
        except TimeoutError as error:
            raise Problem(408, f"nothing of the body came for {_PATIENCE:.0f} seconds") from error
        count += len(part)
        if count > most:
            raise Problem(413, f"the body is longer than {most:,} bytes, which is the most")
        yield part
