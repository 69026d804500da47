"""A network that answers within seconds, or counts as absent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

SECONDS = 4.0  # for a name, and again for a connection
_LOCK = threading.RLock()  # the default timeout belongs to the whole process

Lookup = Callable[..., list[Any]]


@contextlib.contextmanager
def impatient(seconds: float = SECONDS) -> Iterator[None]:
    """Make connections that are begun inside fail within about `2 * seconds`.

    Downloads of Keras and KerasHub have no time limit of their own: without a route they would hang
    for minutes. So looking up a host also tries to reach it, and silence is an error.
    """
    with _LOCK:
        lookup, timeout = socket.getaddrinfo, socket.getdefaulttimeout()

        def vouched(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
            return _within(
                lambda: _reachable(lookup(host, port, *args, **options), seconds), seconds
            )

        socket.getaddrinfo = vouched
        socket.setdefaulttimeout(2 * seconds)
        try:
            yield
        finally:
            socket.getaddrinfo = lookup
            socket.setdefaulttimeout(timeout)


def _within(action: Callable[[], list[Any]], seconds: float) -> list[Any]:
    """Return what `action` returns; raise `gaierror` when it takes too long."""
    outcome: list[list[Any] | Exception] = []

    def work() -> None:
        try:
            outcome.append(action())
        except Exception as error:  # whatever it is, it belongs to the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(2 * seconds)
    if not outcome:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer within {2 * seconds:.0f} seconds")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


def _reachable(addresses: list[Any], seconds: float) -> list[Any]:
    """Return the addresses of a kind that accepts a connection; raise `OSError` when none does."""
    streams = [item for item in addresses if item[1] in (socket.SOCK_STREAM, 0)]
    if not streams:
        return addresses
    failure = OSError("no route to host")
    first_of_each = list({item[0]: item for item in reversed(streams)}.values())
    for family, kind, protocol, _, address in first_of_each:
        try:
            with socket.socket(family, kind or socket.SOCK_STREAM, protocol) as probe:
                probe.settimeout(seconds / len(first_of_each))
                probe.connect(address)
        except OSError as error:
            failure = error
        else:
            return [item for item in addresses if item[0] == family]
    raise failure


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what caused it, innermost last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_network_error(error: BaseException | None) -> bool:
    """Say whether an error, or one that caused it, comes from the network."""
    for link in _chain(error):
        if isinstance(link, ConnectionError | TimeoutError | socket.gaierror):
            return True
        if any(sign in f"{type(link).__name__}: {link}" for sign in _SIGNS):
            return True
    return False


def network_reason(error: BaseException) -> str:
    """Return what the system said at the bottom of a network error, without addresses."""
    for link in reversed(list(_chain(error))):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return type(error).__name__


_SIGNS = (
    "URL fetch failure",
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "URLError",
    "OfflineMode",
    "LocalEntryNotFound",
    "Max retries exceeded",
)
