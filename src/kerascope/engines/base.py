"""What a long job is to an engine, and an engine to a long job."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol


class Work(Protocol):
    """What is done with samples, in whatever process."""

    def read(self, handle: Any) -> Any:
        """Return a sample; called in any thread. What is wrong with it is part of what it is."""

    def compute(self, part: int, samples: Iterator[Any]) -> Any:
        """Return the result of a part, whose samples come as they are read."""


class Recipe(Protocol):
    """Makes the work of a job in another process, where it comes as cloudpickle brings it."""

    def __call__(self, share: float) -> Work:
        """Return the work; `share` is what part of its machine this process is to use."""


class Job(Work, Protocol):
    """Work in parts, each of which is made from its samples alone, in their order.

    So it does not matter where, when and beside which others a part is worked on.
    """

    def handles(self, part: int) -> Iterator[Any]:
        """Yield what names the samples of a part, in their order; parts are asked for in turn."""

    def write(self, part: int, result: Any) -> None:
        """Keep the result of a part, whole or not at all."""

    def recipe(self) -> Recipe:
        """Return what makes this work elsewhere; asked for once."""

    def parcel(self, part: int) -> list[Any]:
        """Return the handles of a part for work elsewhere; parts are asked for in turn."""


class Engine(ABC):
    """Works on the parts of a job."""

    @abstractmethod
    def run(self, job: Job, parts: list[int], stop: threading.Event) -> Iterator[int]:
        """Yield the number of every part that was written; end after those in hand on `stop`."""
