"""How fast a training goes, and what an explanation will take before one was ever made."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from kerascope.callbacks.account import Clock
from kerascope.method import AttributionMethod

_BATCH = 32  # Keras's own batch size: rows that a step of the training is taken to have


class Pace:
    """What is seen of a training from outside: its epoch, its steps and their seconds."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.epoch = 0
        self.steps = 0  # of the last whole epoch
        self.count = 0  # of the whole training
        self.start()

    def start(self) -> None:
        """Begin to measure: a training starts."""
        self.first: float | None = None  # seconds of the first step, in which Keras compiles
        self._first_from: float | None = None
        self._since, self._counted = 0.0, 0  # when the second step began, and steps from then on
        self._begun = self._ended = -1  # batches of this epoch

    def step(self, batch: int) -> None:
        """A step begins."""
        if self._first_from is None:
            self._first_from = self.clock()
        elif self.first is None:
            self._first_over(self._first_from)
            self._counted = 1
        else:
            self._counted += 1
        self.count += 1
        self._begun = batch

    def _first_over(self, began: float) -> None:
        self._since = self.clock()
        self.first = self._since - began

    def passed(self, batch: int, every: int) -> bool:
        """Tell whether, with this batch, another `every` batches of the epoch are over."""
        before, self._ended = self._ended, batch
        return (batch + 1) // every > (before + 1) // every

    def epoch_over(self, epoch: int) -> None:
        """An epoch has ended."""
        if self.first is None and self._first_from is not None:
            self._first_over(self._first_from)
        self.epoch, self.steps = epoch + 1, self._begun + 1
        self._begun = self._ended = -1

    def guess(self, methods: Iterable[AttributionMethod], inputs: Any) -> float:
        """Return the seconds of a first explanation, from the passes that the methods declare.

        A pass over 32 probes is taken to cost as much as a step of the training, and compiling a
        method as much as the first step, in which Keras compiled the training.
        """
        shapes = _shapes(inputs)
        rows = next(iter(shapes.values()))[0]
        made = [method.passes({n: shape[1:] for n, shape in shapes.items()}) for method in methods]
        passes = sum(p.forward / 3 + p.gradient + p.backward * 2 / 3 for p in made)
        first = self.first or 0.0
        each = (self.clock() - self._since) / self._counted if self._counted else first
        traced = len(made) if keras.backend.backend() != "torch" else 0
        return passes * each * max(1.0, rows / _BATCH) + traced * first


def _shapes(inputs: Any) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all inputs by name, sample axis first."""
    inputs = getattr(inputs, "inputs", inputs)  # of what a loader returned
    if isinstance(inputs, Mapping):
        return {name: _shape(array) for name, array in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return {str(i): _shape(array) for i, array in enumerate(inputs)}
    return {"": _shape(inputs)}


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(array.shape) if hasattr(array, "shape") else np.shape(array)


def spans(labels: Sequence[str]) -> str:
    """Return labels shortly: "epochs 2–4 and 6"; others are listed up to five."""
    numbers = [label.removeprefix("epoch ") for label in labels]
    if not all(n.isdigit() for n in numbers):
        more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
        return "; ".join(labels[:5]) + more
    whole = [int(n) for n in numbers]
    groups = itertools.groupby(enumerate(whole), key=lambda pair: pair[1] - pair[0])
    runs = [[n for _, n in group] for _, group in groups]
    parts = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    listed = ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
    return f"epoch{'s' if len(whole) > 1 else ''} {listed}"
