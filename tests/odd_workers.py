"""Model's processes that hold no model."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

LAST = 1.5  # seconds after it was told to end


def deaf(connection: Any, opening: dict[str, Any]) -> None:
    """Read nothing, talk all the time, and take time to end."""
    ended: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(time.monotonic()))
    while not ended or time.monotonic() < ended[0] + LAST:
        connection.send_bytes(json.dumps({"told": "progress", "bytes": False}).encode())
        time.sleep(0.02)


def echo(connection: Any, opening: dict[str, Any]) -> None:
    """Say all messages again, each with its number in bytes."""
    while True:
        message = json.loads(connection.recv_bytes())
        connection.send_bytes(json.dumps({**message, "bytes": True}).encode())
        connection.send_bytes(b"%d" % message["number"])
