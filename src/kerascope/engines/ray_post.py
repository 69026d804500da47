"""How the content of parts gets from the caller's process to the actors of a Ray cluster."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

from kerascope.engines.base import Job

_TICK = 0.1  # seconds between looks at `stop`


class Post:
    """An actor without a core: actors ask it for parts, the caller's process brings them."""

    def __init__(self) -> None:
        self.here: dict[int, list[Any]] = {}
        self.taken: Counter[int] = Counter()
        self.wanted: set[int] = set()
        self.written: set[int] = set()
        self.closed = False
        self.news = asyncio.Condition()

    async def take(self, part: int) -> tuple[int, list[Any] | None]:
        """Return how often a part was handed out, and the reference of its content in a list.

        Waits until it is here. None in place of the content when closed, and for a part that is
        written: its actor may be lost after its result came, and Ray then asks for it again.
        """
        over = lambda: part in self.written or self.closed  # noqa: E731
        async with self.news:
            if part in self.written or (self.closed and not self.taken[part]):
                return 0, None
            self.wanted.add(part)
            self.news.notify_all()
            await self.news.wait_for(lambda: part in self.here or over())
            self.wanted.discard(part)
            if part not in self.here:
                return 0, None
            self.taken[part] += 1
            return self.taken[part], self.here[part]

    async def asked(self, seconds: float) -> int | None:
        """Return the last part that is wanted and not here; None where there is none for long."""
        async with self.news:
            missing = lambda: self.wanted - self.here.keys()  # noqa: E731
            try:
                await asyncio.wait_for(self.news.wait_for(lambda: bool(missing())), seconds)
            except TimeoutError:
                return None
            return max(missing())

    async def bring(self, part: int, content: list[Any]) -> None:
        """Keep a part's content, until it is dropped."""
        async with self.news:
            self.here[part] = content
            self.news.notify_all()

    async def drop(self, part: int) -> None:
        """Forget a part, which is written; those who wait for it need not any more."""
        async with self.news:
            self.here.pop(part, None)
            self.written.add(part)
            self.news.notify_all()

    async def close(self) -> set[int]:
        """Hand out no part that was not handed out before; return those."""
        async with self.news:
            self.closed = True
            self.news.notify_all()
            return {part for part, times in self.taken.items() if times}


class Feeder:
    """Brings parts when they are wanted, in a thread; knows which are left.

    Parts are brought in their order, since an iterable gives its samples once; those that were
    passed over wait, and what is lost is there to be handed out again.
    """

    def __init__(self, ray: Any, job: Job, parts: list[int], stop: threading.Event) -> None:
        self.ray, self.job, self.stop = ray, job, stop
        self.left = set(parts)
        self._coming = iter(sorted(parts))
        self._held: set[int] | None = None  # handed out before `stop`
        self._failed: BaseException | None = None
        self._over = threading.Event()
        here = ray.get_runtime_context().get_node_id()
        affinity = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(here, soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": affinity, "max_concurrency": 10_000}
        self.post = ray.remote(Post).options(**options).remote()
        self._thread = threading.Thread(target=self._feed, name="kerascope-feed", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether it was stopped, and nothing that was handed out is left."""
        return self._held is not None and not self._held & self.left

    def check(self) -> None:
        """Raise what went wrong in bringing parts."""
        if self._failed is not None:
            raise self._failed

    def written(self, part: int) -> None:
        """Take note of a part that is written."""
        self.left.discard(part)
        self.post.drop.remote(part)

    def close(self) -> None:
        """End the thread and the actor."""
        self._over.set()
        self._thread.join()
        self.ray.kill(self.post)

    def _feed(self) -> None:
        try:
            while not self._over.is_set():
                wanted = self.ray.get(self.post.asked.remote(_TICK))
                if self.stop.is_set():
                    break
                while wanted is not None and (part := next(self._coming, None)) is not None:
                    content = [self.ray.put(self.job.parcel(part))]
                    self.ray.get(self.post.bring.remote(part, content))
                    if part >= wanted or self._over.is_set():
                        break
        except BaseException as error:  # a user's iterable may raise anything
            self._failed = error
        finally:
            if not self._over.is_set():
                self._held = self.ray.get(self.post.close.remote())
