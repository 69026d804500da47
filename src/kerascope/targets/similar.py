"""How alike a sample and another one are, where the model's embedding is compared."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.targets.base import Outputs, Spec, Target, static
from kerascope.types import Array, Tensor

MEASURES = ("cosine", "dot", "distance")
_WORDS = {"cosine": "cosine similarity", "dot": "dot product", "distance": "minus the distance"}
_TINY = 1e-12
_LIKE = re.compile(rf"like (.+?)(?: by ({'|'.join(MEASURES)}))?")


def like_words(text: Any) -> tuple[str, str] | None:
    """Return (other, measure) of the words "like OTHER" or "like OTHER by distance"; else None."""
    match = _LIKE.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else (match[1], match[2] or MEASURES[0])


@dataclasses.dataclass(frozen=True, eq=False)
class Similarity(Target):
    """How alike a sample's embedding and that of another input are: why do these two match?

    to: the other input: an array as the model takes it, of one sample or of one for each; what
        `load_images` returned; the path of a .npy file; a dict by name for a model of several
        inputs; or an embedding itself, one or one for each.
    measure: "cosine", "dot", or "distance", which is minus the Euclidean distance.
    output, layer: where the embedding is: an output by name, or a layer; by default the output.
    """

    to: Any
    measure: str = "cosine"
    output: str | None = None
    layer: Any = None
    name: str = static(default="")
    held: bool = False  # the lengths that a cosine divides by are held: set for relevance

    def __str__(self) -> str:
        return f"{_WORDS.get(self.measure, self.measure)} to {self.name or 'another input'}"

    def resolve(self, spec: Spec, samples: int) -> Target:
        """Embed the other input; (sample, feature) from here on."""
        if self.measure not in MEASURES:
            raise BadTarget(f"measure='{self.measure}' is not one of {', '.join(MEASURES)}")
        if self.layer is not None:
            place = spec.find_layer(self.layer)
            size = int(np.prod(spec.layers[place]))
        else:
            place = spec.output(self.output).name
            size = int(np.prod(spec.outputs[place].shape))
        other = self._embedded(_read(self.to), spec, place, size)
        if len(other) not in (1, samples):
            raise BadTarget(
                f"the reference holds {len(other)} samples for {samples}: give one, or one each"
            )
        if not np.isfinite(other).all() or not other.any(axis=1).all():
            raise BadTarget("the reference has an embedding that is zero or not finite")
        site = place if self.layer is not None else None
        return dataclasses.replace(
            self, to=np.broadcast_to(other, (samples, size)).astype(np.float32), layer=site,
            output=None if site is not None else place, name=self.name or _name(self.to),
        )  # fmt: skip

    def of_samples(self, samples: int, spec: Spec) -> list[Similarity]:
        """Return the likeness of every sample alone: to its own reference, where each has one."""
        given = _read(self.to)
        named = isinstance(given, Mapping)
        arrays = given if named else dict.fromkeys(spec.inputs, given)
        each = {name: (samples, *shape) for name, shape in spec.inputs.items()}
        if samples < 2 or any(
            name not in arrays or arrays[name].shape != each[name] for name in each
        ):
            return [self] * samples
        found = []
        for k in range(samples):
            own = {name: array[k : k + 1] for name, array in arrays.items()}
            to = own if named else next(iter(own.values()))
            found.append(dataclasses.replace(self, to=to, name=self.name or _name(self.to)))
        return found

    def _embedded(self, given: Any, spec: Spec, place: Any, size: int) -> Array:
        """Return the embedding of what was given: (1 or sample, feature)."""
        if isinstance(given, Mapping):
            if set(given) != set(spec.inputs):
                raise BadTarget(
                    f"the reference has inputs {', '.join(given)}; the model has "
                    f"{', '.join(spec.inputs)}"
                )
            rows = {n: _rows(a, spec.inputs[n]) for n, a in given.items()}
        elif given.shape in ((size,), (len(given), size)) and (size,) not in spec.inputs.values():
            return given.reshape(-1, size)
        else:
            if len(spec.inputs) > 1:
                raise BadTarget(
                    f"the model has inputs {', '.join(spec.inputs)}: give the reference as a dict"
                )
            rows = {n: _rows(given, shape, size) for n, shape in spec.inputs.items()}
        if len({len(array) for array in rows.values()}) != 1:
            raise BadTarget("the inputs of the reference differ in their number of samples")
        found = np.asarray(spec.embed(rows, place), np.float32)
        return found.reshape(len(found), -1)

    def sites(self) -> tuple[Any, ...]:
        """Return the layer of the embedding, where it is one."""
        return () if self.layer is None else (self.layer,)

    def __call__(self, outputs: Outputs) -> Tensor:
        """Return the scores, shape (sample,)."""
        from keras import ops

        values = outputs.activations[self.layer] if self.layer else outputs.raw[self.output or ""]
        mine = ops.reshape(values, (-1, int(np.prod(values.shape[1:]))))
        other = ops.cast(self.to, mine.dtype)
        if self.measure == "distance":
            return -ops.sqrt(ops.sum((mine - other) ** 2, axis=-1) + _TINY)
        product = ops.sum(mine * other, axis=-1)
        if self.measure == "dot":
            return product
        lengths = ops.sum(mine * mine, axis=-1) * ops.sum(other * other, axis=-1)
        root = ops.sqrt(lengths + _TINY)
        return product / (ops.stop_gradient(root) if self.held else root)

    def shared_out(self) -> Target:
        """Return the target with lengths held: else slope × value of a cosine is zero."""
        return dataclasses.replace(self, held=self.measure == "cosine")

    @property
    def rest(self) -> str:
        """Of a distance, the other embedding has a share."""
        return "the embedding compared with" if self.measure == "distance" else ""

    def words(self, row: int) -> str:
        """Say how alike to what."""
        where = f" at layer '{self.layer}'" if self.layer else ""
        link = " from " if self.measure == "distance" else " to " if self.measure == "cosine" else (
            " with ")  # fmt: skip
        return f"{_WORDS[self.measure]}{link}{self.name}{where}"


def _read(given: Any) -> Any:
    """Return arrays of what a reference is given as; raise `BadTarget` where it is none."""
    given = getattr(given, "inputs", given)
    if isinstance(given, Mapping):
        return {str(name): _read(value) for name, value in given.items()}
    if isinstance(given, (str, os.PathLike)):
        if Path(given).suffix.lower() != ".npy":
            raise BadTarget(
                f"the reference '{given}' is no .npy file; of a picture give "
                "load_images(path, model)"
            )
        try:
            given = np.load(given, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadTarget(f"the reference '{given}' cannot be read: {error}") from error
    given = given.detach().cpu() if hasattr(given, "detach") else given
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise BadTarget(f"the reference is no array: {error}") from error
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise BadTarget(f"the reference must be an array of numbers, not {type(given).__name__}")
    # Whole numbers of rank 1 or 2 may be tokens; anything else is numbers as `read` takes them.
    tokens = array.dtype.kind in "iu" and array.ndim <= 2 and array.dtype != np.uint8
    return array if tokens else array.astype(np.float32)


def _rows(array: Array, shape: tuple[int, ...], size: int | None = None) -> Array:
    """Return (row, *shape); raise `BadTarget` where it is of another shape."""
    if array.shape in (shape, (len(array), *shape)):
        return array.reshape(-1, *shape)
    more = "" if size is None else f", or an embedding ({size},)"
    raise BadTarget(
        f"the reference has shape {array.shape}; it must be {shape}, as the model takes it, with "
        f"or without a sample axis{more}"
    )


def _name(given: Any) -> str:
    """Return what to call a reference in words."""
    if isinstance(given, (str, os.PathLike)):
        return f"'{Path(given).name}'"
    names: Any = getattr(given, "names", ())
    return f"'{names[0]}'" if len(names) == 1 else "the reference"
