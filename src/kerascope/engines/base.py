"""What a long job is to an engine, and an engine to a long job."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol


class Job(Protocol):
    """Work in parts, each of which is made from its samples alone, in their order.

    So it does not matter where, when and beside which others a part is worked on.
    """

    def handles(self, part: int) -> Iterator[Any]:
        """Yield what names the samples of a part, in their order; parts are asked for in turn."""

    def read(self, handle: Any) -> Any:
        """Return a sample; called in any thread. What is wrong with it is part of what it is."""

    def compute(self, part: int, samples: Iterator[Any]) -> Any:
        """Return the result of a part, whose samples come as they are read."""

    def write(self, part: int, result: Any) -> None:
        """Keep the result of a part, whole or not at all."""


class Engine(ABC):
    """Works on the parts of a job."""

    @abstractmethod
    def run(self, job: Job, parts: list[int], stop: threading.Event) -> Iterator[int]:
        """Yield the number of every part that was written; end after the one in hand on `stop`."""
