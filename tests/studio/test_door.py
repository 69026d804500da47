"""Who is let in: token, host, origin; and what every answer carries."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from kerascope.studio import guard
from kerascope.studio.guard import Door
from once import only_on

pytestmark = only_on("torch")

PLACES = ("/", "/api/document", "/web/kerascope.css", "/api/openapi.json", "/nothing")


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_served_without_the_token(studio: Any, place: str) -> None:
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Bearer {studio.server.token}x"},
        {"authorization": f"Basic {studio.server.token}"},
        {"authorization": "Bearer"},
        {"cookie": f"kerascope-{studio.server.port}=wrong"},
        {"cookie": f"kerascope-1={studio.server.token}"},
    ):
        answer = studio.bare.get(place, headers=headers)
        assert answer.status_code == 401, headers
        assert "token" in answer.json()["error"]
        assert "kerascope.css" not in answer.text


def test_a_wrong_token_beside_the_right_one_is_refused(studio: Any) -> None:
    both = {**studio.bearer, "cookie": f"kerascope-{studio.server.port}=wrong"}
    assert studio.bare.get("/api/document", headers=both).status_code == 200  # bearer decides
    twice = [("authorization", "Bearer wrong"), *studio.bearer.items()]
    assert studio.bare.get("/api/document", headers=twice).status_code == 401


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bytes, bytes]] = []
    right = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        seen.append((a, b))
        return right(a, b)

    monkeypatch.setattr(guard.hmac, "compare_digest", compare)
    door = Door(token="right", port=80)
    assert not door.token_right("ríght")
    assert door.token_right("right")
    assert len(seen) == 2


def test_the_printed_address_sets_a_cookie_and_leaves_the_token_behind(studio: Any) -> None:
    answer = studio.bare.get("/", params={"token": studio.server.token})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    page = studio.bare.get("/")  # the client keeps the cookie
    assert page.status_code == 200
    assert '<div id="app">' in page.text
    assert studio.server.token not in page.text
    assert studio.bare.get("/", params={"token": "wrong"}).status_code == 401


@pytest.mark.parametrize("other", ['seen={"a": 1}', "a b=c", "plain", "expires=1", "=", "é=ü"])
def test_cookies_of_other_programs_on_this_host_do_not_matter(studio: Any, other: str) -> None:
    own = f"kerascope-{studio.server.port}={studio.server.token}"
    for cookies in (f"{other}; {own}", f"{own}; {other}"):
        found = studio.bare.get("/", headers={"cookie": cookies.encode()})
        assert found.status_code == 200, cookies
    wrong = f"{own[:-1]}; {other}"
    assert studio.bare.get("/", headers={"cookie": wrong.encode()}).status_code == 401


def test_a_token_in_the_address_opens_the_page_alone(studio: Any) -> None:
    answer = studio.bare.get("/api/document", params={"token": studio.server.token})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}.evil",
        "evil@127.0.0.1:{port}", "127.0.0.1.evil:{port}", "localhost.evil:{port}", "",
        "10.0.0.1:{port}",
        "[::2]:{port}",
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused_also_with_the_token(studio: Any, host: str) -> None:
    named = {**studio.bearer, "host": host.format(port=studio.server.port)}
    answer = studio.bare.get("/api/document", headers=named)
    assert answer.status_code in (400, 403)  # 400: refused before, as no header at all
    assert "samples" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_names_of_this_computer_are_let_in(studio: Any, host: str) -> None:
    named = {**studio.bearer, "host": f"{host}:{studio.server.port}"}
    assert studio.bare.get("/api/document", headers=named).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_foreign_origin_is_refused(studio: Any, origin: str, method: str) -> None:
    headers = {**studio.bearer, "origin": origin.format(port=studio.server.port)}
    place = {"GET": "/api/document", "POST": "/api/jobs", "DELETE": "/api/jobs/j1"}[method]
    assert studio.bare.request(method, place, headers=headers).status_code == 403


def test_a_change_by_cookie_needs_the_origin(studio: Any) -> None:
    cookie = {"cookie": f"kerascope-{studio.server.port}={studio.server.token}"}
    assert studio.bare.delete("/api/jobs/j99", headers=cookie).status_code == 403
    own = {**cookie, "origin": studio.origin}
    assert studio.bare.delete("/api/jobs/j99", headers=own).status_code == 404


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_cannot_read_by_the_cookie(studio: Any, site: str) -> None:
    headers = {
        "cookie": f"kerascope-{studio.server.port}={studio.server.token}", "sec-fetch-site": site,
    }  # fmt: skip
    assert studio.bare.get("/api/document", headers=headers).status_code == 403
    own = {**headers, "sec-fetch-site": "same-origin"}
    assert studio.bare.get("/api/document", headers=own).status_code == 200


@pytest.mark.parametrize("place", [*PLACES, "/api/document?x=1"])
def test_every_answer_carries_the_headers(studio: Any, place: str) -> None:
    for answer in (studio.client.get(place), studio.bare.get(place)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_public_takes_addresses_and_still_no_foreign_name() -> None:
    door = Door(token="t", port=80, names=("mine",), addresses=True)
    assert door.host_known("192.168.1.7")
    assert door.host_known("mine:80")
    assert not door.host_known("evil.example:80")
    assert not Door(token="t", port=80).host_known("192.168.1.7")
    assert Door(token="t", port=80).host_known("127.0.0.1")
    assert door.origin_known("http://mine")
    assert not door.origin_known("https://mine")


def test_loopback_alone_unless_public(studio: Any) -> None:
    assert studio.server._socket.getsockname()[0] == "127.0.0.1"
