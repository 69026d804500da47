"""What a training has earned for explanations, and what they took of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

Clock = Callable[[], float]


class Account:
    """Seconds for explanations: a share of the seconds of training, less what was spent.

    share: of the training's own seconds, or None for no limit. What was overdrawn, because an
    explanation took longer than the one before, is earned back before the next one.
    """

    def __init__(self, share: float | None, *, clock: Clock = time.perf_counter) -> None:
        self.share = share
        self.clock = clock
        self.spent = 0.0
        self._since: float | None = None
        self._before = self._apart = self._seen = 0.0

    def start(self) -> None:
        """Begin to count: the training starts, or goes on."""
        if self._since is not None:  # it ended in an error: what came after that was no training
            self._before += max(0.0, self._seen - self._since - self._apart)
        self._since = self._seen = self.clock()
        self._apart = 0.0

    def see(self) -> None:
        """Take note that the training still runs."""
        self._seen = self.clock()

    def stop(self) -> None:
        """End the count: what comes now is no training."""
        self._before, self._since = self.trained, None

    @property
    def trained(self) -> float:
        """Seconds of training up to now, without those that were spent."""
        if self._since is None:
            return self._before
        return self._before + self.clock() - self._since - self._apart

    @property
    def earned(self) -> float:
        """Seconds that the training has allowed for up to now."""
        return float("inf") if self.share is None else self.share * self.trained

    @property
    def free(self) -> float:
        """Seconds that are earned and not spent."""
        return self.earned - self.spent

    def allows(self, seconds: float) -> bool:
        """Tell whether something that takes this long may begin."""
        return self.share is None or seconds <= self.free

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time inside as spent, not as training; also where it ends in an error."""
        began = self.clock()
        try:
            yield
        finally:
            took = self.clock() - began
            self.spent += took
            self._apart += took
