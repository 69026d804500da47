"""Draw a model's weights anew, layer by layer, and put the old ones back whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.interrupts import uninterrupted
from kerascope.metrics.initializers import drawn, initializer_of

if TYPE_CHECKING:
    from kerascope.hooks.weights import Weight
    from kerascope.run import Run
    from kerascope.types import Array

_DRAW = 2**29  # of weights, apart from the draws of methods


@contextlib.contextmanager
def kept(view: Any, variables: Iterable[Any]) -> Iterator[list[Array]]:
    """Give the values of variables, which may be changed inside; all are put back after.

    Bit for bit, and also after an error or Ctrl-C. view: a `HookedModel`; meanwhile, no other
    thread explains its model, but one that calls it itself sees the changed values.
    """
    held = list(variables)
    with view.store.lock:
        old = [np.array(variable.numpy(), copy=True) for variable in held]
        try:
            yield old
        finally:
            pressed = back = False
            # A Ctrl-C before it is held off must not leave drawn weights.
            while not back:
                try:
                    with uninterrupted():
                        for variable, values in zip(held, old, strict=True):
                            variable.assign(values)
                        back = True
                except KeyboardInterrupt:
                    pressed = True
            if pressed:
                raise KeyboardInterrupt


class Randomised:
    """A model's weights by layer, each to be drawn from its own initialiser.

    layers: paths of the layers that have weights to draw, in the order of the forward pass.
    """

    def __init__(self, view: Any, run: Run) -> None:
        from kerascope.hooks.weights import weights_by_layer

        self.run, self.notes = run, list[str]()
        weights = weights_by_layer(view)
        numbered = enumerate(w for own in weights.values() for w in own)
        self._number = {id(weight.variable): number for number, weight in numbered}
        drawable = {
            path: [weight for weight in own if self._way(weight)] for path, own in weights.items()
        }
        self.weights = {path: own for path, own in drawable.items() if own}
        self.layers = tuple(self.weights)
        self.variables = [w.variable for own in self.weights.values() for w in own]
        self._old: dict[int, Array] = {}
        self._note()

    @staticmethod
    def _way(weight: Weight) -> str | None:
        """Say how a weight is drawn; None: it is none, such as a mean of the data."""
        if "float" not in str(weight.variable.dtype):
            return None
        if initializer_of(weight.layer, weight.variable.name) is not None:
            return "drawn"
        return "shuffled" if weight.learned else None

    def _note(self) -> None:
        shuffled = [
            path or "the model itself"
            for path, own in self.weights.items()
            if any(self._way(weight) == "shuffled" for weight in own)
        ]
        if shuffled:
            self.notes.append(
                "shuffled, as their layers keep no initialiser: weights of " + ", ".join(shuffled)
            )

    def hold(self, old: list[Array]) -> None:
        """Take what the weights were, as `kept` gives it."""
        self._old = {id(v): values for v, values in zip(self.variables, old, strict=True)}

    def draw(self, path: str) -> None:
        """Draw the weights of a layer: equal on every backend, whatever else has been drawn."""
        for weight in self.weights[path]:
            variable = weight.variable
            generator = self.run.generator(self._number[id(variable)], _DRAW)
            variable.assign(self._fresh(weight, generator).astype(np.float32))

    def _fresh(self, weight: Weight, generator: np.random.Generator) -> Array:
        variable, layer = weight.variable, weight.layer
        if self._way(weight) == "shuffled":
            old = self._old[id(variable)]
            return generator.permutation(old.reshape(-1)).reshape(old.shape)
        initializer = initializer_of(layer, variable.name)
        values, by_numpy = drawn(initializer, tuple(variable.shape), generator)
        if not by_numpy:
            words = f"{type(initializer).__name__} is drawn by the backend: not equal on others"
            self.notes += [words] if words not in self.notes else []
        if variable.name == "bias" and getattr(layer, "unit_forget_bias", False):
            units = len(values) // 4  # of an LSTM: the second quarter belongs to the forget gate
            values = np.concatenate([values[:units], np.ones(units), values[2 * units :]])
        return values

    def restore(self, path: str) -> None:
        """Put the weights of one layer back."""
        for weight in self.weights[path]:
            weight.variable.assign(self._old[id(weight.variable)])


@contextlib.contextmanager
def randomising(view: Any, run: Run) -> Iterator[Randomised]:
    """Give the weights of a `HookedModel`, to be drawn inside; all are put back after."""
    weights = Randomised(view, run)
    with kept(view, weights.variables) as old:
        weights.hold(old)
        yield weights
