"""The floor: what one pass over one picture costs at the best batch size, in this run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from kerascope.hooks import HookedModel
from kerascope.hooks.survey import call_model
from kerascope.targets import Targets
from kerascope.types import Array

SIZES = (1, 4, 8, 16, 32)
_WORSE = 1.5  # a size so much slower than the best smaller one ends the search
_ROUNDS = 3  # timings of every size, one size after the other
_SHARE = 0.1  # of the time of a call is spent on timing its floor before it
_LEAST = 3  # timings of a pass, at the least

Maker = Callable[[str, int], Sequence[Callable[[], Any]]]


def seconds(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Floor:
    """Passes of one model on one framework, timed per picture at their best batch size.

    `make(kind, size)` returns the ways to do a pass of a kind ("forward", "gradient", "layer
    gradient", …) over `size` pictures; the fastest way counts.
    """

    def __init__(self, make: Maker, *, sizes: Sequence[int] = SIZES) -> None:
        self.make, self.sizes = make, sizes
        self.found: dict[str, tuple[int, Callable[[], Any]]] = {}

    def size(self, kind: str) -> int:
        """Return the batch size at which a pass is fastest per picture."""
        if kind not in self.found:
            self.found[kind] = self._search(kind)
        return self.found[kind][0]

    def _search(self, kind: str) -> tuple[int, Callable[[], Any]]:
        best, trials = np.inf, []
        for size in self.sizes:
            calls = [*self.make(kind, size)]
            for call in calls:
                call()  # traced here
            took = min(seconds(call) for call in calls * 2) / size
            if took > _WORSE * best:
                break
            best = min(best, took)
            trials += [(size, call) for call in calls]
        times: list[list[float]] = [[] for _ in trials]
        for _ in range(_ROUNDS):
            for row, (size, call) in zip(times, trials, strict=True):
                row.append(seconds(call) / size)
        return trials[int(np.argmin([np.median(row) for row in times]))]

    def units(self) -> dict[str, tuple[int, float]]:
        """Return the best batch size and the seconds per picture of every kind of pass used."""
        return {
            kind: (size, min(_timings(call, 0)) / size) for kind, (size, call) in self.found.items()
        }

    def cost(self, passes: Mapping[str, float], *, pictures: int = 1, expected: float = 0) -> float:
        """Return the seconds that `passes` over `pictures` cost now; medians of a few timings.

        expected: seconds of the call that this is compared with, of which a tenth is spent here.
        """
        total = 0.0
        kinds = {kind: count for kind, count in passes.items() if count}
        for kind, count in kinds.items():
            size = self.size(kind)
            call = self.found[kind][1]
            times = list(_timings(call, expected * _SHARE / len(kinds)))
            total += count * pictures * float(np.median(times)) / size
        return total


def _timings(call: Callable[[], Any], least: float) -> Iterator[float]:
    spent, count = 0.0, 0
    while count < _LEAST or spent < least:
        took = seconds(call)
        spent, count = spent + took, count + 1
        yield took


def keras_floor(model: Any, inputs: Callable[[int], Any], targets: Targets) -> Floor:
    """Return the floor of a Keras model: plain compiled passes, or the engine's where faster.

    inputs: returns so many samples, as the model takes them; targets: one target of one picture. A
    kind "layer gradient" names its layer: "layer gradient:conv5".
    """

    def make(kind: str, size: int) -> Sequence[Callable[[], Any]]:
        view = HookedModel(model, batch_size=size)
        given = view.read(inputs(size))
        chosen = targets.take(np.zeros(size, int))
        what, _, layer = kind.partition(":")
        if what == "layer gradient":
            return [lambda: view.gradients(given, chosen, [layer], inputs=False)]
        plain = [] if view.survey.tokens else [_plain(view, given, gradient=what == "gradient")]
        if what == "gradient":
            return [lambda: view.gradients(given, chosen), *plain]
        return [lambda: view.scores(given, chosen), *plain]

    return Floor(make)


def _plain(view: HookedModel, x: Mapping[str, Array], *, gradient: bool) -> Callable[[], Any]:
    """Return a pass without hooks: the model as it is, and the gradient of one unit of it."""
    seam, build = view.seam, view.structure.build

    def forward(tensors: dict[str, Any]) -> Any:
        return call_model(view.model, build(tensors))

    def backward(tensors: dict[str, Any]) -> Any:
        def score(shifts: dict[str, Any]) -> Any:
            tree = forward(shifts)
            first = tree if hasattr(tree, "shape") else next(iter(_leaves(tree)))
            return [ops.reshape(first, (first.shape[0], -1))[:, 0]], ()

        return seam.vjp(score, tensors)[1](0)

    function = seam.compiled(backward if gradient else forward, view.model)

    def call() -> Any:
        tensors = {name: ops.convert_to_tensor(array) for name, array in x.items()}
        if gradient:
            return [ops.convert_to_numpy(leaf) for leaf in _leaves(function(tensors))]
        with seam.inference():
            return [ops.convert_to_numpy(leaf) for leaf in _leaves(function(tensors))]

    return call


def _leaves(tree: Any) -> list[Any]:
    import keras

    return keras.tree.flatten(tree)
