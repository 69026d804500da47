"""The ASGI application: routes of the table, behind the door."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kerascope.errors import KerascopeError
from kerascope.studio import asks, endpoints
from kerascope.studio.errors import Problem, short_line
from kerascope.studio.guard import Door, Guard
from kerascope.studio.openapi import description
from kerascope.studio.studio import Studio
from kerascope.studio.table import Endpoint, Given, given_of, json_answer


async def _openapi(given: Given) -> Response:  # noqa: ARG001
    return json_answer(description(TABLE))


_DESCRIPTION = Endpoint(
    method="GET",
    path="/api/openapi.json",
    words="This description",
    answer=_openapi,
    gives=dict[str, Any],
)
TABLE = (*endpoints.ENDPOINTS, *asks.ENDPOINTS, _DESCRIPTION)


def make_app(studio: Studio, door: Door) -> Any:
    """Return the application of a studio; it starts and closes the studio with itself."""

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        await studio.start()
        try:
            yield
        finally:
            await studio.close()

    app = Starlette(
        routes=[_route(endpoint) for endpoint in (*TABLE, *endpoints.PAGES)],
        exception_handlers={
            HTTPException: _http, KerascopeError: _known, Exception: _unexpected,
        },
        lifespan=life,
    )  # fmt: skip
    app.router.redirect_slashes = False
    app.state.studio = studio
    return Guard(app, door)


def _route(endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        return await endpoint.answer(await given_of(endpoint, request))

    return Route(endpoint.path, answer, methods=[endpoint.method])


def _error(status: int, message: str, headers: Any = None) -> Response:
    found = json_answer({"error": short_line(message)}, status)
    found.headers.update(headers or {})
    return found


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing at this address", 405: f"{request.method} is not taken here"}
    return _error(error.status_code, words.get(error.status_code, error.detail), error.headers)


async def _known(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _error(error.status if isinstance(error, Problem) else 400, str(error))


async def _unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _error(500, f"unexpected {type(error).__name__}; the terminal says more")
