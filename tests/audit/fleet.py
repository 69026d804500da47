"""Models that workers in other processes import, and the program of a driver that is killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from audit.data import means

READ: dict[str, Any] = {"size": (12, 12), "preprocess": "unit", "batch_size": 2, "part_size": 2}


def slow(x: Any) -> Any:
    """Return what `means` does, slowly."""
    time.sleep(0.1)
    return means(x)


class Dying:
    """A model that ends the process of a worker: every time, or once where there is a file."""

    def __init__(self, flag: Path | None) -> None:
        self.flag, self.home = flag, os.getpid()

    def __call__(self, x: Any) -> Any:
        if os.getpid() != self.home and (self.flag is None or not self.flag.exists()):
            if self.flag is not None:
                self.flag.touch()
            os._exit(1)
        return means(x)


class Failing:
    """A model that raises in a worker when it comes to the second part."""

    def __init__(self) -> None:
        self.home, self.calls = os.getpid(), 0

    def __call__(self, x: Any) -> Any:
        self.calls += os.getpid() != self.home
        if self.calls > 2:  # one is the first look
            raise RuntimeError("the service is gone")
        return means(x)


def series(count: int) -> Any:
    """Yield arrays once, one of them unreadable."""
    for i in range(count):
        yield np.full((6, 6, 3), np.nan if i == 3 else i, np.float32)


if __name__ == "__main__":
    from audit import fleet
    from kerascope.audit.collect import collect
    from kerascope.engines import Ray

    address, data, rows = sys.argv[1:]
    collect(fleet.slow, Path(data), rows, engine=Ray(address=address, concurrency=1), **READ)
