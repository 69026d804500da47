"""What is known of tensors as a pass goes on: by identity, through Keras's own functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from kerascope.hooks.names import Site
from kerascope.hooks.shadow import first_tensor

_POSITIVE = frozenset({"relu", "relu6", "sigmoid", "softmax", "softplus", "hard_sigmoid"})
_LAYOUT = frozenset({"reshape", "transpose", "squeeze", "expand_dims", "pad"})
_KEEPS_SIGN = _LAYOUT | {
    "add",
    "concatenate",
    "mean",
    "max",
    "max_pool",
    "average_pool",
    "multiply",
}


class Tracks:
    """Marks on tensors ("raw", "positive", "gate"), and which layer made which.

    "raw": an input of the model, or one in another layout or scale. Tensors are kept, so that no
    identity is used twice.
    """

    functions = _POSITIVE | _KEEPS_SIGN

    def __init__(self) -> None:
        self._marks: dict[int, tuple[Any, set[str]]] = {}
        self._made: dict[int, tuple[Any, Site, Any]] = {}
        self._parts: dict[int, tuple[Any, list[Any]]] = {}
        self._readers: dict[Site, list[tuple[Any, int]]] = {}
        self._layers: dict[Site, Any] = {}
        self._pending: dict[int, tuple[Any, Any]] = {}
        self._behind: dict[int, tuple[Any, tuple[Site, ...]]] = {}
        self.rectified: set[Site] = set()

    def start(self, x: dict[str, Any]) -> None:
        """Mark the inputs."""
        for value in x.values():
            self.mark(value, "raw")

    def mark(self, tensor: Any, *names: str) -> None:
        """Put marks on a tensor."""
        self._marks.setdefault(id(tensor), (tensor, set()))[1].update(names)

    def has(self, tensor: Any, name: str) -> bool:
        """Tell whether a tensor has a mark."""
        return id(tensor) in self._marks and name in self._marks[id(tensor)][1]

    def made(self, tensor: Any, site: Site, layer: Any) -> None:
        """Note that a linear layer without an activation gave a tensor."""
        self._made[id(tensor)] = (tensor, site, layer)
        self._layers[site] = layer
        self._readers.setdefault(site, [])

    def _sites(self, tensor: Any) -> tuple[Site, ...]:
        """Return the calls whose outputs a tensor holds side by side."""
        if id(tensor) in self._made:
            return (self._made[id(tensor)][1],)
        if id(tensor) in self._parts:
            return tuple(site for part in self._parts[id(tensor)][1] for site in self._sites(part))
        return ()

    def consume(self, args: Any, norm: Any) -> None:
        """Note that a layer reads its arguments; `norm` where it is a batch normalisation."""
        for tensor in keras.tree.flatten(args):
            for site in self._sites(tensor):
                self._readers[site].append((norm, len(tensor.shape)))

    def normed(self, x: Any, y: Any) -> None:
        """Note that `y` is the batch normalisation of `x`."""
        self._behind[id(y)] = (y, self._sites(x))

    def function(self, name: str, args: Any, kwargs: Any, output: Any) -> None:
        """Follow marks through a function."""
        tensors = [t for t in keras.tree.flatten((args, kwargs)) if first_tensor(t) is not None]
        if name in ("relu", "relu6", "any_relu") and tensors:
            behind = self._behind.get(id(tensors[0]), (None, ()))[1]
            self.rectified.update(behind or self._sites(tensors[0]))
        if name == "concatenate":
            self._parts[id(output)] = (output, tensors)
        elif name not in _LAYOUT:
            self.consume(tensors, None)
        if (
            name in _POSITIVE
            or (name == "any_relu" and not kwargs.get("negative_slope"))
            or (
                name in _KEEPS_SIGN
                and self._positive(tensors)
                and not kwargs.get("constant_values")
            )
        ):
            self.mark(output, "positive")
        if name in _LAYOUT and tensors and self.has(tensors[0], "raw"):
            self.mark(output, "raw")

    def _positive(self, tensors: list[Any]) -> bool:
        return bool(tensors) and all(self.has(tensor, "positive") for tensor in tensors)

    def folded(self, fits: Callable[[Any, Any, int], bool]) -> frozenset[Site]:
        """Return the calls whose outputs only batch normalisations read."""
        return frozenset(
            site
            for site, readers in self._readers.items()
            if readers
            and all(norm is not None and fits(self._layers[site], norm, rank)
                    for norm, rank in readers)
        )  # fmt: skip

    def pend(self, tensor: Any, frame: Any) -> None:
        """Leave a layer's rule to the batch normalisation behind it."""
        self._pending[id(tensor)] = (tensor, frame)

    def pending(self, tensor: Any) -> list[tuple[Any, Any]]:
        """Return (frame or None, tensor) of the parts that a tensor holds side by side."""
        if id(tensor) in self._pending:
            return [(self._pending[id(tensor)][1], tensor)]
        if id(tensor) in self._parts:
            return [pair for part in self._parts[id(tensor)][1] for pair in self.pending(part)]
        return [(None, tensor)]
