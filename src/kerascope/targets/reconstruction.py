"""How far an autoencoder's output is from its input: which part makes a sample an anomaly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, OutputSpec, Spec, Target
from kerascope.types import Array, Tensor

MEASURES = {"mse": "mean squared", "mae": "mean absolute"}


@dataclasses.dataclass(frozen=True, eq=False)
class ReconstructionError(Target):
    """The error of a reconstruction, of the input that the model was given at that moment.

    So where a part of the input is covered, its own error goes with it. The error map, what came
    out, and the map of the explanation are shown side by side.

    measure: "mse" or "mae".
    region: weights 0 … 1 over positions, (*positions) or (sample, *positions): the mean is over
        them; by default over all.
    output: by default the first of the input's shape. input: by default the only one.
    against: a layer whose output is compared with in place of the input, such as the Rescaling
        that a model starts with.
    """

    reads_inputs: ClassVar[bool] = True

    measure: str = "mse"
    region: Any = None
    output: str | None = None
    input: str | None = None
    against: Any = None

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Check measure, output and region."""
        if self.measure not in MEASURES:
            raise BadTarget(f"measure='{self.measure}' is not one of {', '.join(MEASURES)}")
        name = next(iter(spec.inputs)) if self.input is None else self.input
        if name not in spec.inputs:
            raise BadTarget(f"input '{name}' not found; the model has {', '.join(spec.inputs)}")
        site = None if self.against is None else spec.find_layer(self.against)
        shape = tuple(spec.inputs[name] if site is None else spec.layers[site])
        chosen = _of_shape(spec, self.output, shape, name if site is None else str(site))
        region = None if self.region is None else _weights(self.region, shape, samples)
        return dataclasses.replace(
            self, output=chosen.name, input=name, against=site, region=region
        )

    @property
    def degree(self) -> int:  # type: ignore[override]
        """2 of squares."""
        return 2 if self.measure == "mse" else 1

    def sites(self) -> tuple[Any, ...]:
        """Return the layer that is compared with, where it is one."""
        return () if self.against is None else (self.against,)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        name = self.input or ""
        given = outputs.activations[self.against] if self.against else outputs.inputs[name]
        off = outputs.raw[self.output or ""] - ops.cast(given, "float32")
        off = off * off if self.measure == "mse" else ops.abs(off)
        if self.region is None:
            return ops.mean(off, axis=tuple(range(1, len(off.shape))))
        weights = ops.cast(self.region, off.dtype)
        rest = len(off.shape) - len(weights.shape)
        off = ops.mean(off, axis=-1) if rest else off
        return ops.sum(off * weights, axis=tuple(range(1, len(off.shape))))

    def beside(self, x: Mapping[str, Array], raw: Mapping[str, Array]) -> dict[str, Array]:
        """Return the reconstruction and its error at every position, where inputs are compared."""
        made = raw[self.output or ""]
        if self.against is not None:
            return {"reconstruction": made}
        off = made - np.asarray(x[self.input or ""], np.float32)
        off = off**2 if self.measure == "mse" else np.abs(off)
        off = off.mean(axis=-1) if off.ndim > 2 else off
        return {"reconstruction": made, "reconstruction error": off}

    def words(self, row: int) -> str:
        """Say which error."""
        where = "" if self.region is None else " over the region"
        return f"{MEASURES[self.measure]} error of the reconstruction{where}"


def reconstructs(spec: Spec) -> bool:
    """Tell whether the one output is of the shape of the one input, and of no classes.

    That is an autoencoder, or a segmentation with as many classes as its input has channels (one of
    grey pictures): a note says so. A row of numbers is none, it may be anything, nor is a forecast
    of as many steps as its window has.
    """
    known = spec.labels or spec.forecast or spec.at is not None
    if len(spec.inputs) != 1 or len(spec.outputs) != 1 or known:
        return False
    (shape,), (output,) = spec.inputs.values(), spec.outputs.values()
    classes = output.kind in ("softmax", "log_softmax")
    return len(shape) > 1 and tuple(shape) == tuple(output.shape) and not classes


def _of_shape(spec: Spec, name: str | None, shape: tuple[int, ...], what: str) -> OutputSpec:
    """Return the output that reconstructs; raise `BadTarget` where none has the shape."""
    found = [spec.output(name)] if name is not None else list(spec.outputs.values())
    for output in found:
        if output.shape == shape:
            return output
    shapes = ", ".join(f"'{output.name}' {output.shape}" for output in found)
    raise BadTarget(
        f"ReconstructionError needs an output of the shape {shape} of '{what}'; the model has "
        f"{shapes}"
    )


def _weights(region: Any, shape: tuple[int, ...], samples: int) -> Array:
    """Return weights (sample, *positions) that sum to one."""
    positions = shape[:-1] if len(shape) > 1 else shape
    given = np.asarray(region, np.float32)
    if given.shape not in (positions, (samples, *positions)):
        raise BadTarget(
            f"the region has shape {given.shape}; it must be {positions} or {(samples, *positions)}"
        )
    weights = np.broadcast_to(given, (samples, *positions))
    totals = weights.reshape(samples, -1).sum(axis=1)
    if not np.isfinite(weights).all() or (weights < 0).any() or not (totals > 0).all():
        raise BadTarget("the region must hold weights from 0 up, and some above 0 in every sample")
    return (weights / totals.reshape(-1, *(1,) * len(positions))).astype(np.float32)
