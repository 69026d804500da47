"""The far side: the process that holds a model. Nothing of Keras is imported before it runs."""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kerascope.errors import KerascopeError
from kerascope.run import Cancelled, reporting

Message = dict[str, Any]
_OFTEN = 0.1  # seconds between two words on progress


def main(connection: Connection, opening: Message) -> None:
    """Open a model, and do its jobs one after the other until the other end is closed.

    opening: "source" or "path" and "name" of the model, "labels", "preprocess", "custom",
        "unsafe", and "log", a file for what frameworks write to the terminal.
    """
    _settle(opening["log"])
    mail = Mail(connection)
    try:
        from kerascope.studio.net import Net

        net = Net(opening)
        mail.say({"told": "ready", "facts": net.facts()})
    except BaseException as error:
        mail.say({"told": "refused", "error": words_of(error, opening)})
        return
    for job in mail.jobs():
        _do(net, mail, job, opening)


def _settle(log: str) -> None:
    """Make this process quiet, deaf to the terminal's Ctrl-C, and the first to go for memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="utf-8")
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


class Mail:
    """Messages to and from the studio: jobs wait in a queue, cancelled ones are known at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: collections.deque[Message] = collections.deque()
        self._came = threading.Condition()
        self._sending = threading.Lock()
        self.cancelled: set[str] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            while True:
                message = json.loads(self._connection.recv_bytes())
                if "cancel" in message:
                    self.cancelled.add(message["cancel"])
                    continue
                with self._came:
                    self._waiting.append(message)
                    self._came.notify()
        except (EOFError, OSError):
            os._exit(0)  # nobody is left to work for, whatever is running

    def jobs(self) -> Iterator[Message]:
        """Yield jobs as they come."""
        while True:
            with self._came:
                self._came.wait_for(lambda: len(self._waiting) > 0)
                job = self._waiting.popleft()
            yield job

    def urgent(self) -> Message | None:
        """Take the first job that need not wait for the one that runs; None: there is none."""
        with self._came:
            found = next((job for job in self._waiting if job.get("urgent")), None)
            if found is not None:
                self._waiting.remove(found)
            return found

    def say(self, message: Message, content: bytes = b"") -> None:
        """Send a message, and the bytes that belong to it."""
        with self._sending:
            self._connection.send_bytes(
                json.dumps({**message, "bytes": bool(content)}, default=str).encode()
            )
            if content:
                self._connection.send_bytes(content)


def _do(net: Any, mail: Mail, job: Message, opening: Message) -> None:
    """Do one job and say what came out; whatever goes wrong is a message."""
    name = job["job"]
    try:
        with reporting(_Progress(mail, name, lambda urgent: _inside(net, mail, urgent, opening))):
            beside, piece = net.do(job)
        mail.say({"told": "done", "job": name, **beside}, piece)
    except Cancelled:
        mail.say({"told": "cancelled", "job": name})
    except BaseException as error:
        mail.say({"told": "failed", "job": name, "error": words_of(error, opening)})
    mail.cancelled.discard(name)


def _inside(net: Any, mail: Mail, job: Message, opening: Message) -> None:
    """Do a job while another one holds still, in a thread of its own.

    What the other one has put on the model is meant for its thread alone: see `hooks.shadow`.
    """
    thread = threading.Thread(target=_do, args=(net, mail, job, opening))
    thread.start()
    thread.join()


class _Progress:
    """Says how far a job is, not too often, and lets urgent ones go first.

    Raises `Cancelled` where nobody waits for the job any more.
    """

    def __init__(self, mail: Mail, job: str, do: Callable[[Message], None]) -> None:
        self.mail, self.job, self.do = mail, job, do
        self.last, self.what = 0.0, ""

    def __call__(self, what: str, done: int, total: int) -> None:
        if self.job in self.mail.cancelled:
            raise Cancelled
        urgent = self.mail.urgent()
        if urgent is not None:
            self.do(urgent)
        now = time.monotonic()
        if now - self.last >= _OFTEN or what != self.what:
            self.last, self.what = now, what
            self.mail.say(
                {"told": "progress", "job": self.job, "words": what, "done": done, "total": total}
            )


def words_of(error: BaseException, opening: Message) -> str:
    """Return what went wrong, with the names that people gave in place of our own."""
    if isinstance(error, KerascopeError):
        words = str(error)
    elif isinstance(error, FileNotFoundError):
        words = "the picture's file is gone"
    elif _no_memory(error):
        words = "memory ran out: take fewer steps or samples, or close other models"
    else:
        first = (str(error).splitlines() or [""])[0]
        words = f"unexpected {type(error).__name__}: {first}".rstrip(": ")
    from kerascope.plot.stamp import without_folders

    path = opening["path"]
    if path:
        words = words.replace(path, opening["name"]).replace(Path(path).name, opening["name"])
    return str(without_folders(words))


def _no_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    try:
        from kerascope import backend

        return backend.active().out_of_memory(error)
    except ImportError:
        return False
