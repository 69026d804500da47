"""An actor of the Ray engine: it makes the work once and works on one part after another."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from kerascope.engines.base import Work
from kerascope.engines.local import read_ahead, reading_pool
from kerascope.errors import KerascopeError

_TRIES = 5  # times that a part is handed out before it is held to be what ends the workers


class Worker:
    """A callable class as Ray Data takes it: a batch is the number of one part.

    recipe: its reference in a list, for Ray would resolve it by itself. Errors are results: what
    Ray makes of an exception is another exception.
    """

    def __init__(self, recipe: list[Any], post: Any, cpus: int, ahead: int) -> None:
        self.recipe, self.post, self.cpus, self.ahead = recipe, post, cpus, ahead
        self._made: Work | None = None

    def __call__(self, batch: dict[str, Any]) -> Any:
        """Return a table of one row: part, its result in bytes, whether that is an error."""
        import pyarrow as pa

        from kerascope.engines.ray import imported

        ray = imported()
        part, error = int(batch["part"][0]), False
        try:
            result = self._result(ray, part)
        except Exception as raised:  # a user's function may raise anything
            result, error = _bytes(ray, raised), True
        columns = {"part": [part], "result": pa.array([result], pa.large_binary())}
        return pa.table({**columns, "error": [error]})

    def _result(self, ray: Any, part: int) -> bytes | None:
        """Return the result of a part in bytes; None where it is not wanted any more."""
        tries, content = ray.get(self.post.take.remote(part))
        if content is None:
            return None
        if tries > _TRIES:
            raise KerascopeError(
                f"part {part} ended {_TRIES} workers that had it in hand: is there memory enough "
                "for the model and a batch? The logs of the Ray cluster may tell"
            )
        work = self._work(ray)
        handles = ((part, handle) for handle in ray.get(content[0]))
        with (
            reading_pool(self.cpus) as pool,
            contextlib.closing(read_ahead(work.read, handles, pool, self.ahead)) as coming,
        ):
            result = work.compute(part, (found.result() for _, found in coming))
        return ray.cloudpickle.dumps(result)

    def _work(self, ray: Any) -> Work:
        """Return the work, made once; with a part in hand, so that tries are counted."""
        if self._made is None:
            share = min(1.0, self.cpus / (os.cpu_count() or 1))
            self._made = ray.cloudpickle.loads(ray.get(self.recipe[0]))(share)
        assert self._made is not None
        return self._made


def _bytes(ray: Any, error: Exception) -> bytes:
    """Return an error as it is, or in words where it cannot be sent."""
    try:
        content = ray.cloudpickle.dumps(error)
        ray.cloudpickle.loads(content)
    except Exception:
        return ray.cloudpickle.dumps(KerascopeError(f"{type(error).__name__}: {error}"))
    return content
