"""A worker without a process: says what a test tells it to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

FACTS: dict[str, Any] = {
    "sha256": "ab" * 32,
    "labels": ["cat", "dog", "</script><script>alert(2)</script>"],
    "preprocessing": "unit",
    "notes": [],
    "layers": [{"layer": "conv", "kind": "Conv2D", "shape": [4, 4, 8], "map": [4, 4]}],
    "facts": [["Backend", "none"]],
}
LISTS = ("models", "methods", "samples", "predictions", "maps", "stamps")


class FakeWorker:
    """Ready at once; does each job at once, unless its method is `held`."""

    all: list[FakeWorker] = []  # noqa: RUF012 — made by the studio, read by the tests
    held: set[str] = set()  # noqa: RUF012 — methods whose jobs wait for `finish`
    refuse = ""  # what it says in place of being ready
    slow = False  # not ready before `ready`

    def __init__(
        self,
        opening: dict[str, Any],
        heard: Callable[[dict[str, Any], bytes], None],
        gone: Callable[[str], None],
    ) -> None:
        self.opening, self.heard, self.gone = opening, heard, gone
        self.sent: list[dict[str, Any]] = []
        self.came = threading.Condition()
        self.stopped = False
        FakeWorker.all.append(self)
        if FakeWorker.refuse:
            heard({"told": "refused", "error": FakeWorker.refuse}, b"")
        elif not FakeWorker.slow:
            self.ready()

    def ready(self) -> None:
        self.heard({"told": "ready", "facts": FACTS}, b"")

    def send(self, message: dict[str, Any]) -> None:
        with self.came:
            self.sent.append(message)
            self.came.notify_all()
        if "job" in message and message.get("method") not in FakeWorker.held:
            self.finish(message["job"])

    def finish(self, job: str) -> None:
        message = next(m for m in self.sent if m.get("job") == job)
        rows = [
            {"sample": sample["id"], "model": self.opening["id"], "verdict": "cat, 90 %"}
            for sample in message["samples"]
        ]
        piece = {**{name: [] for name in LISTS}, "predictions": rows, "blobs": {}}
        name = message.get("method") or ""
        method = {"id": f"k-{name}", "name": name, "model": self.opening["id"]}
        made = {"methods": [method], "maps": [f"a-{name}"]} if name else {}
        self.heard(
            {"told": "done", "job": job, "predictions": rows, **made}, json.dumps(piece).encode()
        )

    def jobs(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many jobs have come, and return them."""
        with self.came:
            assert self.came.wait_for(lambda: len(self._jobs()) >= count, 10), self.sent
            return self._jobs()

    def _jobs(self) -> list[dict[str, Any]]:
        return [message for message in self.sent if "job" in message]

    def stop(self) -> None:
        self.stopped = True
