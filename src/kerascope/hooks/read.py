"""`ReadModel`: a Keras model and inputs, read and checked, and what is known of both."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascope import backend
from kerascope.errors import BadInput, BadLayer, KerascopeError
from kerascope.hooks.anchors import anchors_of
from kerascope.hooks.identity import Identity, identity_of
from kerascope.hooks.inputs import (
    Structure,
    axes_of,
    check_ids,
    check_ids_at_all,
    data_format,
    normalise,
)
from kerascope.hooks.names import Site, find_site, layer_table
from kerascope.hooks.store import store_of
from kerascope.hooks.survey import Survey, call_model, refused, take_survey
from kerascope.memory import words
from kerascope.run import Batch
from kerascope.tokens import Reading
from kerascope.types import Array

# Rows per pass on CPU: JAX slows down with the batch, torch keeps every activation until the call
# ends.
BATCH = {"tensorflow": 16, "jax": 8, "torch": 8}


class ReadModel:
    """A model and the inputs last read: layers, a survey of the forward pass, rows per pass.

    Args:
        model: any Keras 3 model, built.
        score: "logit" (before the softmax or sigmoid, where there is one) or "probability".
        batch_size: rows per pass; None takes a default for the backend.
        compiled: False runs eagerly where that is possible: cheaper for a single cold call.
    """

    def __init__(
        self,
        model: Any,
        *,
        score: str = "logit",
        batch_size: int | None = None,
        compiled: bool = True,
    ) -> None:
        self.model = model
        self.score = score
        self.seam = backend.active()
        self.batch = Batch(batch_size or BATCH[keras.backend.backend()], found=bool(batch_size))
        self.store = store_of(model)
        self.table = layer_table(model)
        self.compiled = compiled
        self.layout = data_format(self.table)
        policies = {getattr(layer, "compute_dtype", "float32") for layer in self.table.values()}
        self.half = "float16" in policies
        self.notes: list[str] = []
        self.reading = Reading()  # how texts became ids
        self.last: dict[str, Any] = {}  # scores and outputs of the last pass for targets
        self._structure: Structure | None = None
        self._survey: Survey | None = None
        self._shapes: dict[str, tuple[int, ...]] = {}  # of a sample of each input
        self._size: tuple[int, ...] = ()  # spatial size of the first input
        self._axes: dict[str, tuple[str, ...]] = {}
        self._named: dict[tuple[str, tuple[int, ...]], tuple[str, ...]] = {}  # axes asked for
        self._input_bytes = 0  # of one row: as given, as covered, as a tensor

    @property
    def batch_size(self) -> int:
        """Rows per pass."""
        return self.batch.size

    @functools.cached_property
    def identity(self) -> Identity:
        """Which model it is, and whether its weights are finite; looked at once."""
        return identity_of(self.model)

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the inputs that are given and never explained, such as masks of tokens."""
        return self.reading.held

    def layers(self) -> Mapping[str, Any]:
        """Return every hookable layer by path name."""
        return self.table

    def read(self, inputs: Any) -> dict[str, Array]:
        """Return inputs by name as arrays, checked; build an unbuilt model on them."""
        arrays, self._structure = normalise(self.model, inputs)
        if not self.model.built or not self.table:
            self._build_model(arrays)
        self._survey, self._named = self._survey_of(arrays), {}
        self._input_bytes = 3 * sum(array[:1].nbytes for array in arrays.values())
        check_ids(arrays, self._survey.tokens, self.table)
        self._shapes = {name: array.shape[1:] for name, array in arrays.items()}
        name, first = next(iter(arrays.items()))
        axes = self.axes(name, first.shape[1:])
        self._size = tuple(n for n, a in zip(first.shape[1:], axes, strict=True) if a != "channel")
        self._axes = {n: self.axes(n, a.shape[1:]) for n, a in arrays.items()}
        # Integers that no embedding reads are numbers like any other, e.g. uint8 pictures.
        return {
            name: array if name in self._survey.tokens else np.asarray(array, np.float32)
            for name, array in arrays.items()
        }

    def _build_model(self, arrays: Mapping[str, Array]) -> None:
        """Build an unbuilt model by calling it on one sample."""
        fresh = not self.model.built
        with self.store.lock:
            try:
                call_model(self.model, self.structure.build({k: v[:1] for k, v in arrays.items()}))
            except KerascopeError:
                raise
            except Exception as error:
                raise refused(arrays, error) from error
        self.table = layer_table(self.model)
        self.layout = data_format(self.table)
        if fresh:
            self.notes.append(
                "the model was not built: it was built on these inputs and has untrained weights"
            )

    def fit_into(self, memory: int, *, gradients: bool) -> None:
        """Bound the rows per pass by a budget in bytes; take the batch size found earlier, if any.

        Raises:
            BadInput: the budget does not hold one sample.
        """
        need = self.row_bytes(gradients=gradients)
        if memory < need:
            raise BadInput(
                f"a memory budget of {words(memory)} does not hold one sample, which takes about "
                f"{words(need)}; give more"
            )
        memo = self.store.memo
        key = ("batch", gradients, tuple(self.survey.calls))
        if not self.batch.found:
            self.batch = Batch(memo.get(key, self.batch.size), found=key in memo)
            self.batch.keep = lambda size: memo.__setitem__(key, size)
        self.batch.limit(memory // need)

    def row_bytes(self, *, gradients: bool) -> int:
        """Return an estimate of the bytes that one row takes in a pass.

        Eager passes and those with a gradient keep every layer's output; compiled forward passes
        free them, but for those that wait for a later one.
        """
        outputs = [4 * call.merge * int(np.prod(call.shape)) for call in self.survey.calls]
        eager = gradients or not self.compiled or keras.backend.backend() == "torch"
        kept = sum(outputs) if eager else 4 * max(outputs, default=0)
        return kept + self._input_bytes

    @property
    def survey(self) -> Survey:
        """What is known of the forward pass on the inputs last read."""
        if self._survey is None:
            raise BadInput("no inputs have been read yet: call read(inputs) first")
        return self._survey

    @property
    def structure(self) -> Structure:
        """How the model is called."""
        if self._structure is None:
            raise BadInput("no inputs have been read yet: call read(inputs) first")
        return self._structure

    def fingerprint(self) -> tuple[Any, ...]:
        """Return what must not change for a compiled function to stay right."""
        return tuple(
            (id(layer), id(getattr(layer, "activation", None)), getattr(layer, "compute_dtype", ""))
            for layer in self.table.values()
        )

    def _survey_of(self, arrays: Mapping[str, Array]) -> Survey:
        signature = tuple((n, a.shape[1:], a.dtype.str) for n, a in arrays.items())
        key = (signature, self.structure, self.fingerprint())
        with self.store.lock:
            if key not in self.store.surveys:
                sample = {n: ops.convert_to_tensor(a[:1]) for n, a in arrays.items()}
                runner = lambda fn: self.seam.described(fn, self.model)  # noqa: E731
                try:
                    with self.seam.inference():
                        survey = take_survey(self.model, self.table, self.structure, sample, runner)
                except KerascopeError:
                    raise
                except Exception as error:
                    check_ids_at_all(arrays, self.table)
                    raise refused(arrays, error) from error
                self.store.surveys[key] = survey
            return self.store.surveys[key]

    def _anchors(self) -> Array | None:
        """Return a detector's anchors for inputs like those last read."""
        shape = next(iter(self._shapes.values()), ())
        key = ("anchors", self._size, shape)
        if key not in self.store.memo:
            self.store.memo[key] = anchors_of(self.model, self._size, shape)
        return self.store.memo[key]

    def site(self, layer: str | int | Site) -> Site:
        """Return the site that words name, one that the forward pass really reaches."""
        site = find_site(layer, self.table)
        calls = [call.site.call for call in self.survey.calls if call.site.path == site.path]
        if not calls:
            raise BadLayer(f"layer '{site.path}' gives no floating-point output on these inputs")
        if site.call not in calls:
            raise BadLayer(
                f"layer '{site.path}' is called {len(calls)} times; '{site}' is out of range"
            )
        return site

    def axes(self, name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
        """Return the names of the axes of one sample of an input; tokens are ("token",)."""
        if name in self.survey.tokens:
            return ("token",)
        if (name, shape) not in self._named:
            frames = self.structure.frames or self.survey.frames(shape)
            self._named[name, shape] = axes_of(shape, self.layout, frames=frames)
        return self._named[name, shape]

    def layer_axes(self, shape: tuple[int, ...]) -> tuple[str, ...]:
        """Return the names of the axes of one sample of a layer's output."""
        return axes_of(shape, self.layout)
