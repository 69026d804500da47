"""The door: who may ask at all. Host, origin and token are checked before anything else runs."""

from __future__ import annotations

import dataclasses
import hmac
import ipaddress
import json
import re
from typing import Any
from urllib.parse import parse_qs

Scope = dict[str, Any]
_READS = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_STEP = "open the address that the terminal shows, with its token"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Door:
    """What a request must show to come in.

    token: the secret of this start. port: where the studio listens. names: of the host that the
    browser may use besides loopback's; with `addresses`, any address written as numbers.
    """

    token: str
    port: int
    names: tuple[str, ...] = ()
    addresses: bool = False

    @property
    def cookie(self) -> str:
        """Name of the cookie: cookies do not know ports, names do."""
        return f"kerascope-{self.port}"

    def host_known(self, host: str) -> bool:
        """Say whether a Host header names this studio: other names may be rebound to it."""
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]/@\s]+)(?::(\d{1,5}))?", host)
        if match is None or int(match[2] or 80) != self.port:
            return False
        name = match[1].lower()
        if name in ("127.0.0.1", "localhost", "[::1]", *self.names):
            return True
        return self.addresses and _is_address(name.strip("[]"))

    def origin_known(self, origin: str) -> bool:
        """Say whether an Origin header is one of this studio's own pages."""
        scheme, _, host = origin.partition("://")
        return scheme == "http" and self.host_known(host)

    def token_right(self, token: str) -> bool:
        """Compare a token in constant time."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware that lets in what the door allows and sets the headers of every answer."""

    def __init__(self, app: Any, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = _headers(scope)
        refusal = _refusal(self.door, scope, headers)
        if refusal is not None:
            status, message, more = refusal
            await _answer(send, status, message, more)
            return

        async def sent(message: Scope) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _with_headers(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, sent)


def _headers(scope: Scope) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


Refusal = tuple[int, str, dict[str, str]]


def _refusal(door: Door, scope: Scope, headers: dict[str, list[str]]) -> Refusal | None:
    """Return why a request is not let in: status, message and headers; None: come in."""
    hosts, origins = headers.get("host", []), headers.get("origin", [])
    if len(hosts) != 1 or not door.host_known(hosts[0]):
        return 403, "the Host header does not name this studio", {}
    if len(origins) > 1 or (origins and not door.origin_known(origins[0])):
        return 403, "the Origin header is not this studio's", {}
    bearer = _bearer(headers)
    given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
    if scope["path"] == "/" and scope["method"] in _READS and given:
        if len(given) == 1 and door.token_right(given[0]):
            return 303, "", {"location": "/", "set-cookie": _cookie(door)}
        return 401, f"the token is not this studio's; {_STEP}", {}
    tokens = bearer or _cookies(headers, door.cookie)
    if not tokens:
        return 401, f"a token is needed; {_STEP}", {"www-authenticate": "Bearer"}
    if not all(door.token_right(token) for token in tokens):
        return 401, f"the token is not this studio's; {_STEP}", {"www-authenticate": "Bearer"}
    if bearer:
        return None
    # The rest is for browsers, which send the cookie by themselves.
    site = headers.get("sec-fetch-site", ["none"])[0]
    if site not in ("same-origin", "none") and scope["path"] != "/":
        return 403, "asked for by a page that is not this studio's", {}
    if scope["method"] not in _READS and not origins:
        return 403, "a change needs an Origin header, or the token as Authorization: Bearer", {}
    return None


def _bearer(headers: dict[str, list[str]]) -> list[str]:
    found = [value.partition(" ") for value in headers.get("authorization", [])]
    return [token.strip() if kind.lower() == "bearer" else "" for kind, _, token in found]


def _cookies(headers: dict[str, list[str]], name: str) -> list[str]:
    """Return the values of a cookie.

    All ports of a host share their cookies: what other programs have set, in whatever form, stands
    beside ours. `http.cookies` gives up at the first one that it does not like.
    """
    parts = [part for value in headers.get("cookie", []) for part in value.split(";")]
    pairs = [part.strip().partition("=") for part in parts]
    return [value for key, _, value in pairs if key == name]


def _cookie(door: Door) -> str:
    return f"{door.cookie}={door.token}; Path=/; HttpOnly; SameSite=Strict"


def _with_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    more = [(k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in present]
    if b"cache-control" not in present:
        more.append((b"cache-control", b"no-store"))
    return [*headers, *more]


async def _answer(send: Any, status: int, message: str, more: dict[str, str]) -> None:
    body = json.dumps({"error": message}).encode() if message else b""
    own = {"content-type": "application/json", "content-length": str(len(body)), **more}
    headers = [(k.encode(), v.encode("latin-1")) for k, v in own.items()]
    start = {"type": "http.response.start", "status": status, "headers": _with_headers(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": body})
