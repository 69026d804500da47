"""What was made since the start: predictions, methods as they were set, what holds a map."""

from __future__ import annotations

import collections
from typing import Any

from kerascope.studio.jobs import Job

_MOST_MAPS = 100_000


class Made:
    """Lets a page that is opened anew find what an address names."""

    def __init__(self) -> None:
        self.predictions: dict[tuple[str, str], dict[str, Any]] = {}
        self.methods: dict[str, dict[str, Any]] = {}
        self.datasets: dict[str, str] = {}  # keys by model
        self._keys: collections.OrderedDict[str, str] = collections.OrderedDict()

    def note(self, job: Job) -> None:
        """Take note of what a finished job has made."""
        for row in job.beside.get("predictions", ()):
            self.predictions[row["sample"], row["model"]] = row
        for method in job.beside.get("methods", ()):
            self.methods[method["id"]] = method
        if job.kind == "audit" and job.key:
            self.datasets[job.model] = job.key
        for name in job.beside.get("maps", ()) if job.key else ():
            self._keys[name] = job.key
            self._keys.move_to_end(name)
        while len(self._keys) > _MOST_MAPS:
            self._keys.popitem(last=False)

    def key_of(self, name: str) -> str | None:
        """Return the key of the result that holds a map, by the map's id; None: none is known."""
        return self._keys.get(name)
