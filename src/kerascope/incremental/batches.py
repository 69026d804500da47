"""`Incremental`: scores of one sample with patches at many positions, in batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from kerascope.hooks.results import Scores
from kerascope.incremental.graph import Graph
from kerascope.incremental.passes import base_pass, patch_pass
from kerascope.incremental.program import Program
from kerascope.targets import Targets
from kerascope.types import Array

_MEASURED = 4  # positions at which the error of an approximation is measured


@dataclasses.dataclass(eq=False)
class Incremental:
    """Occlusion of one sample at a time by windows; made by `plan`.

    key: what identifies graph, patch and hand-over among the compiled functions of the model.
    rows: positions per pass. note: in words, where windows end. error: after the first call of
    `scores`, for an approximation only, the largest difference from exact scores, and the largest
    drop of a score, both over the same few positions.
    """

    model: Any
    graph: Graph
    program: Program
    name: str
    patch: tuple[int, ...]
    candidates: tuple[Array, ...]
    key: tuple[Any, ...]
    rows: int
    note: str
    approximate: int | None = None
    gain: float | None = None
    error: tuple[float, float] | None = None
    _kept: tuple[dict[str, Array], dict[str, Any]] | None = None

    def scores(
        self, x: Mapping[str, Array], sample: int, cover: Array, corners: Array, targets: Targets
    ) -> Scores:
        """Return the scores of a sample with the patch at each of `corners`.

        Args:
            x: the inputs by name, of all samples.
            sample: which one.
            cover: what shows in the patch, in the shape of the sample.
            corners: (position, spatial axis), first pixels; a patch that sticks out is clipped.
            targets: resolved targets of all samples.
        """
        corners = np.asarray(corners)
        one = {name: np.ascontiguousarray(array[sample : sample + 1]) for name, array in x.items()}
        if self.approximate is not None and self.error is None:
            self.error = self._measure(one, cover, corners, targets.take([sample]))
        result = self.run(one, cover, corners, targets.take([sample]))
        self.model.store.passes["incremental"] += len(corners)
        return Scores(result["scores"], result["raw"], result["scores_of"])

    def run(
        self, one: Mapping[str, Array], cover: Array, corners: Array, targets: Targets
    ) -> dict[str, Any]:
        """Return what a forward pass returns, for one sample and its targets."""
        seam, parts, start = self.model.seam, [], 0
        function = self._compiled(("patch", targets.key()), self._patch(targets))
        with self.model.store.lock, seam.inference():
            bases = self._bases(one)
            given = ops.convert_to_tensor(np.asarray(cover, np.float32)[None])
            while start < len(corners):
                chunk = corners[start : start + self.rows]
                arrays = targets.take(np.zeros(self.rows, int)).arrays()
                try:
                    part = function(bases, given, self._lookups(chunk), _tensors(arrays))
                except Exception as error:
                    if not seam.out_of_memory(error) or self.rows == 1:
                        raise
                    self.rows = max(1, self.rows // 2)
                    continue
                parts.append(
                    {k: _first(part[k], len(chunk)) for k in ("scores", "raw", "scores_of")}
                )
                start += len(chunk)
        return _joined(parts)

    def _patch(self, targets: Targets) -> Callable[[], Any]:
        return lambda: patch_pass(self.model, self.program, targets)

    def _compiled(self, what: tuple[Any, ...], build: Callable[[], Any]) -> Callable[..., Any]:
        """Return a pass, compiled once per model."""
        store, key = self.model.store, (*self.key, self.model.compiled, *what)
        with store.lock:
            if key not in store.compiled:
                store.compiled[key] = build()
            store.compiled.move_to_end(key)
            return store.compiled[key]

    def _bases(self, one: Mapping[str, Array]) -> dict[str, Any]:
        """Return the base maps of a sample, kept until another sample comes."""
        if self._kept is None or any(not np.array_equal(self._kept[0][n], one[n]) for n in one):
            build = lambda: base_pass(self.model, self.graph, self.program.bases)  # noqa: E731
            maps = self._compiled(("base",), build)(_tensors(dict(one)))
            self._kept = (dict(one), {str(i): value for i, value in maps.items()})
        return self._kept[1]

    def _lookups(self, corners: Array) -> list[Any]:
        """Return the lookups of a batch; its last row fills it up."""
        full = np.concatenate([corners, np.repeat(corners[-1:], self.rows - len(corners), axis=0)])
        rows = [np.searchsorted(c, full[:, a]) for a, c in enumerate(self.candidates)]
        return _tensors(self.program.lookups(rows))

    def _measure(
        self, one: Mapping[str, Array], cover: Array, corners: Array, targets: Targets
    ) -> tuple[float, float]:
        """Return the error at a few positions, and the largest drop there."""
        picked = corners[np.unique(np.linspace(0, len(corners) - 1, _MEASURED).astype(int))]
        exact = naive(self, one, cover, picked, targets)
        found = self.run(one, cover, picked, targets)["scores"]
        plain = quietly(self.model, lambda: self.model.scores(one, targets).values)
        return float(np.abs(found - exact).max()), float(np.abs(plain - exact).max())


def naive(
    plan: Incremental, one: Mapping[str, Array], cover: Array, corners: Array, targets: Targets
) -> Array:
    """Return the scores of one sample by whole passes: (position, target)."""
    graph, rows = plan.graph, len(corners)
    covered = np.repeat(one[plan.name], rows, axis=0)
    lead = (slice(None),) if graph.layout == "channels_first" else ()
    for row, corner in zip(covered, corners, strict=True):
        where = (*lead, *(slice(c, c + p) for c, p in zip(corner, plan.patch, strict=True)))
        row[where] = cover[where]
    given = {name: np.repeat(array, rows, axis=0) for name, array in one.items()}
    given[plan.name] = covered
    taken = targets.take(np.zeros(rows, int))
    return quietly(plan.model, lambda: plan.model.scores(given, taken, pad=rows).values)


def quietly(model: Any, run: Callable[[], Array]) -> Array:
    """Return what `run` gives, leaving the model's counts and last scores as they were."""
    counts, last = model.store.passes.copy(), model.last
    try:
        return run()
    finally:
        model.store.passes.clear()
        model.store.passes.update(counts)
        model.last = last


def _tensors(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: ops.convert_to_tensor(value) for key, value in tree.items()}
    return [_tensors(v) if isinstance(v, dict) else ops.convert_to_tensor(v) for v in tree]


def _first(value: Any, rows: int) -> Any:
    return {k: v[:rows] for k, v in value.items()} if isinstance(value, dict) else value[:rows]


def _joined(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], dict):
        return {key: _joined([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts)
