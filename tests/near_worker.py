"""A worker that does its jobs in a thread of this process: a real model, without a start."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from kerascope.run import reporting
from kerascope.studio.child import words_of
from kerascope.studio.net import Net


class NearWorker:
    """Does one job after the other, as `child.main` does."""

    def __init__(
        self,
        opening: dict[str, Any],
        heard: Callable[[dict[str, Any], bytes], None],
        gone: Callable[[str], None],
    ) -> None:
        self.opening, self.heard, self.gone = opening, heard, gone
        self.jobs: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.thread = threading.Thread(target=self.live)
        self.thread.start()

    def live(self) -> None:
        try:
            net = Net(self.opening)
            self.heard({"told": "ready", "facts": net.facts()}, b"")
        except Exception as error:
            self.heard({"told": "refused", "error": words_of(error, self.opening)}, b"")
            return
        while (job := self.jobs.get()) is not None:
            try:
                with reporting(lambda what, done, total: None):
                    beside, piece = net.do(job)
                self.heard({"told": "done", "job": job["job"], **beside}, piece)
            except Exception as error:
                words = words_of(error, self.opening)
                self.heard({"told": "failed", "job": job["job"], "error": words}, b"")

    def send(self, message: dict[str, Any]) -> None:
        if "job" in message:
            self.jobs.put(message)

    def stop(self) -> None:
        self.jobs.put(None)
        self.thread.join(60)
