"""The near side of a worker process: start it, send it jobs, hear what it says, end it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from kerascope.studio.child import main

Message = dict[str, Any]
Heard = Callable[[Message, bytes], None]
_WAIT = 3.0  # seconds that a process has to end when it is told to
_KILLED = -9


class Works(Protocol):
    """A worker as the studio uses it."""

    def send(self, message: Message) -> None:
        """Tell the process something; nothing happens where it is gone."""

    def stop(self) -> None:
        """End the process, and wait for its end."""


class Worker:
    """A process that holds one model.

    opening: JSON values, see `child.main`. heard: called with every message and the bytes that
    come with it. gone: called once, with words, when the process has ended by itself. Both are
    called in a thread of the worker's own.

    What is sent waits in a line: nobody waits for a process that does not read.

    Messages are JSON: nothing that a process with a foreign model in it says is ever unpickled.
    """

    def __init__(self, opening: Message, heard: Heard, gone: Callable[[str], None]) -> None:
        self._opening, self._heard, self._gone = opening, heard, gone
        self._near, self._far = multiprocessing.Pipe()
        self._process: BaseProcess | None = None
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._line: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="kerascope-worker", daemon=True)
        self._thread.start()

    def _live(self) -> None:
        """Start the process and hear it until it ends; then the pipe is closed, and not before."""
        try:
            self._run()
        finally:
            self._near.close()

    def _run(self) -> None:
        process = multiprocessing.get_context("spawn").Process(
            target=main, args=(self._far, self._opening), daemon=True, name="kerascope-model"
        )
        try:
            with self._starting:
                if self._stopped.is_set():
                    self._far.close()
                    return
                process.start()
                self._process = process
                self._far.close()
        except OSError as error:
            self._end(f"the worker could not be started: {error}")
            return
        sender = threading.Thread(target=self._send_all, name="kerascope-sender", daemon=True)
        sender.start()
        _listen(self._near, self._heard)
        process.join(_WAIT)
        self._line.put(None)
        sender.join(_WAIT)
        self._end(last_words(process.exitcode))

    def _send_all(self) -> None:
        """Send what stands in the line; a process that is gone takes nothing."""
        with contextlib.suppress(OSError, ValueError):
            while (message := self._line.get()) is not None:
                self._near.send_bytes(message)

    def _end(self, words: str) -> None:
        if not self._stopped.is_set():
            self._stopped.set()
            self._gone(words)

    @property
    def pid(self) -> int | None:
        """The number of the process, once it is started."""
        return None if self._process is None else self._process.pid

    def send(self, message: Message) -> None:
        """Tell the process something, without waiting; nothing happens where it is gone."""
        self._line.put(json.dumps(message).encode())

    def stop(self) -> None:
        """End the process, and wait for its end."""
        self._stopped.set()
        with self._starting:
            process = self._process
        if process is not None:
            process.terminate()
            process.join(_WAIT)
            if process.is_alive():
                process.kill()
                process.join(_WAIT)
        self._thread.join(_WAIT)


def _listen(connection: Connection, heard: Heard) -> None:
    """Hear messages until the other end is closed."""
    with contextlib.suppress(EOFError, OSError, ValueError):
        while True:
            message = json.loads(connection.recv_bytes())
            heard(message, connection.recv_bytes() if message.get("bytes") else b"")


def last_words(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code == _KILLED:
        return "the model's process was killed, most likely because memory ran out"
    if code is not None and code < 0:
        return f"the model's process was ended by signal {-code}"
    return f"the model's process ended by itself (code {code})"
