"""Listen, say where, and end cleanly."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import threading
from types import FrameType

import uvicorn

from kerascope.errors import BadInput
from kerascope.studio.app import make_app
from kerascope.studio.guard import Door
from kerascope.studio.nets import Make
from kerascope.studio.studio import Settings, Studio
from kerascope.studio.worker import Worker

USUAL = 8417  # the port that is tried first
_LOOPBACK, _EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 — `--public` must be typed for it
_AT_ONCE = 512  # connections
_LAST = 2  # seconds that open answers have when the studio ends


class _Loop(uvicorn.Server):
    """uvicorn, which tells open streams when it ends: else it would wait for them."""

    def __init__(self, config: uvicorn.Config, studio: Studio) -> None:
        super().__init__(config)
        self._studio = studio

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal as the wish to end."""
        self._studio.end_streams()
        super().handle_exit(sig, frame)


class Server:
    """A studio on a port of its own.

    port: 0 takes the usual one, or any that is free. public: listen on all addresses.
    Raises `BadInput` when the port is taken.
    """

    def __init__(
        self, settings: Settings, *, port: int = 0, public: bool = False, make: Make = Worker
    ) -> None:
        self._socket = _bound(_EVERYWHERE if public else _LOOPBACK, port)
        self.port = self._socket.getsockname()[1]
        self.token = secrets.token_urlsafe(32)
        self.address = f"http://{_LOOPBACK}:{self.port}/"
        door = Door(
            token=self.token, port=self.port, names=_names() if public else (), addresses=public
        )
        self.studio = Studio(settings, make=make)
        config = uvicorn.Config(
            make_app(self.studio, door), http="h11", ws="none", loop="asyncio", lifespan="on",
            log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            limit_concurrency=_AT_ONCE, timeout_graceful_shutdown=_LAST,
        )  # fmt: skip
        self._loop = _Loop(config, self.studio)

    @property
    def url(self) -> str:
        """The address that lets a browser in."""
        return f"{self.address}?token={self.token}"

    @property
    def public_url(self) -> str:
        """The address for other computers, where the studio listens for them."""
        return f"http://{socket.gethostname()}:{self.port}/?token={self.token}"

    def run(self) -> None:
        """Serve until Ctrl-C, or until `stop` is called.

        The socket listens from the start: whoever connects early waits a moment.
        """
        main = threading.current_thread() is threading.main_thread()
        if main and hasattr(signal, "SIGHUP"):  # the terminal was closed
            signal.signal(signal.SIGHUP, self._loop.handle_exit)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                self._loop.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self.studio.remove()

    def stop(self) -> None:
        """End the server, from any thread."""
        self.studio.end_streams()
        self._loop.should_exit = True


def _names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return (name, f"{name}.local", socket.getfqdn().lower())


def _bound(host: str, port: int) -> socket.socket:
    tried = [port] if port else [USUAL, 0]
    for number in tried:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.bind((host, number))
            made.listen(128)
        except OSError as error:
            made.close()
            if number == tried[-1]:
                raise BadInput(
                    f"port {number} cannot be used: {error.strerror or error}; --port 0 takes any "
                    "that is free"
                ) from error
        else:
            made.set_inheritable(False)
            return made
    raise AssertionError("one port was tried")
