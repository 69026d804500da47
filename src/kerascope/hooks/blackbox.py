"""A plain callable as a model: scores only."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadInput, BadLayer, BadModel
from kerascope.facts import facts_of
from kerascope.hooks.identity import Identity, identity_of
from kerascope.hooks.inputs import Structure, axes_of, normalise
from kerascope.hooks.results import Scores
from kerascope.hooks.survey import Survey, output_names
from kerascope.labels import Labels
from kerascope.memory import words
from kerascope.run import Batch
from kerascope.targets import Outputs, OutputSpec, Spec, Targets
from kerascope.tokens import Reading
from kerascope.types import Array


class BlackBox:
    """Any function of a batch: a model of another framework, a remote service, a pipeline.

    `function` takes what the model's inputs are (an array, or a dict of arrays) and returns an
    array (sample, class), the same as a list of rows, or a dict or list of arrays, one per output.
    There are no gradients, and no logits: its output is explained as it is.
    """

    compiled = False
    layout = "channels_last"

    def __init__(self, function: Callable[[Any], Any], *, batch_size: int | None = None) -> None:
        self.model = function
        self.score = "probability"
        self.batch = Batch(batch_size or 64, found=bool(batch_size))
        self.notes: list[str] = []
        self.last: dict[str, Any] = {}
        self.reading = Reading()
        self._structure: Structure | None = None
        self._survey: Survey | None = None
        self._by_sample: bool | None = None  # whether it returns a list of rows; None: not known
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._size: tuple[int, ...] = ()  # spatial size of the first input
        self._input_bytes = 1  # of one row: as given, as covered, as the function's copy

    @property
    def held(self) -> tuple[str, ...]:
        """Names of the inputs that are given and never explained."""
        return self.reading.held

    @functools.cached_property
    def identity(self) -> Identity:
        """Which function it is."""
        return identity_of(self.model)

    @property
    def structure(self) -> Structure:
        """How the function is called; known once it has read inputs."""
        if self._structure is None:
            raise BadInput("the function has read no inputs yet")
        return self._structure

    def read(self, inputs: Any) -> dict[str, Array]:
        """Return inputs by name as arrays; call the function on one sample to learn its outputs."""
        arrays, self._structure = normalise(self.model, inputs)
        self._input_bytes = 3 * sum(array[:1].nbytes for array in arrays.values())
        self._shapes = {name: array.shape[1:] for name, array in arrays.items()}
        name, first = next(iter(arrays.items()))
        sizes = list(zip(first.shape[1:], self.axes(name, first.shape[1:]), strict=True))
        self._size = tuple(n for n, a in sizes if a != "channel")
        self._by_sample = None
        raw = self._call({name: array[:1] for name, array in arrays.items()})
        outputs = {
            name: OutputSpec(name, value.shape[1:], "unknown") for name, value in raw.items()
        }
        self._survey = Survey((), outputs, {})
        return arrays

    def fit_into(self, memory: int, *, gradients: bool) -> None:
        """Bound the rows per call by a budget in bytes for the function's inputs.

        Raises:
            BadInput: the budget does not hold one sample.
        """
        if memory < self._input_bytes:
            raise BadInput(
                f"a memory budget of {words(memory)} does not hold one sample, which takes about "
                f"{words(self._input_bytes)}; give more"
            )
        self.batch.limit(memory // self._input_bytes)

    @property
    def survey(self) -> Survey:
        """What is known of the function on the inputs last read."""
        if self._survey is None:
            raise BadInput("no inputs have been read yet: call read(inputs) first")
        return self._survey

    def spec(self, labels: Labels | None = None) -> Spec:
        """Return what targets must know of the function."""

        def no_layer(layer: Any) -> Any:
            raise BadLayer(f"layer '{layer}' does not exist: a plain function has no layers")

        names = labels if labels is not None else facts_of(self.model).labels
        return Spec(
            outputs=self.survey.outputs, score="value", labels=names, find_layer=no_layer,
            inputs=self._shapes,
            axes={name: self.axes(name, shape) for name, shape in self._shapes.items()},
            embed=lambda x, name: self._call(x)[name],
            input_size=self._size, boxes=facts_of(self.model).boxes,
        )  # fmt: skip

    def axes(self, name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
        """Return the names of the axes of one sample of an input."""
        if self.reading.texts and name in (self.reading.input, self.structure.names[0]):
            return ("token",)
        return axes_of(shape, self.layout, frames=self.structure.frames)

    def features(self, x: Mapping[str, Array]) -> dict[str, Array]:
        """Return what attributions are made for: the inputs."""
        return dict(x)

    def _call(self, x: Mapping[str, Array]) -> dict[str, Array]:
        assert self._structure is not None
        return self._outputs(self.model(self._structure.build(x)), len(next(iter(x.values()))))

    def _outputs(self, said: Any, rows: int) -> dict[str, Array]:
        """Return what the function gave for some rows, by output."""
        if self._by_sample is None:
            self._by_sample = _is_rows(said, rows)
        named = output_names(self.model, [_stacked(said)] if self._by_sample else said)
        if not named:
            raise BadModel("the function returned no output; it must return scores (sample, class)")
        outputs = {}
        for name, value in named.items():
            array = _numbers(value)
            if array.ndim == 0 or len(array) != rows:
                raise BadModel(
                    f"the function returned shape {array.shape} for {rows} samples; the first "
                    "axis must be the sample"
                )
            outputs[name] = array.reshape(rows, 1) if array.ndim == 1 else array
        return outputs

    def scores(self, x: Mapping[str, Array], targets: Targets, **_: Any) -> Scores:
        """Return the scores of all targets, in batches."""
        from keras import ops

        rows = len(next(iter(x.values())))
        size = self.batch.size
        parts = [
            self._call({n: a[start : start + size] for n, a in x.items()})
            for start in range(0, rows, size)
        ]
        raw = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        tensors = {name: ops.convert_to_tensor(value) for name, value in raw.items()}
        given = {name: ops.convert_to_tensor(value) for name, value in x.items()}
        outputs = Outputs(
            scores=tensors, raw=tensors, tree=next(iter(tensors.values())), inputs=given
        )
        values = [ops.convert_to_numpy(target(outputs)) for target in targets]
        stacked = np.stack(values, axis=1) if values else np.zeros((rows, 0), np.float32)
        self.last = {"raw": raw, "scores_of": raw, "scores": stacked}
        return Scores(stacked, raw, raw)


def _is_rows(said: Any, samples: int) -> bool | None:
    """Return whether what a function gave is a list of a row for every sample; None: unknown.

    Else a list holds outputs, each an array whose first axis is the sample. Of one sample [array of
    shape (1,)] is both, and the same.
    """
    if not isinstance(said, (list, tuple)):
        return False
    shapes = [_shape(item) for item in said]
    if len(said) == samples and any(shape[:1] != (samples,) for shape in shapes):
        return True
    return None if shapes == [(1,)] else False


def _shape(item: Any) -> tuple[int, ...]:
    """Return the shape of an array or of lists in lists, as far as their first items say."""
    if isinstance(item, (list, tuple)):
        return (len(item), *(_shape(item[0]) if item else ()))
    return tuple(getattr(item, "shape", ()))


def _stacked(rows: Any) -> Array:
    """Return a list of rows as one array; raise `BadModel` where it is none of equal rows."""
    found = [_numbers(row) for row in rows] if isinstance(rows, (list, tuple)) else []
    if not found:
        return _numbers(rows)
    if len({row.shape for row in found}) > 1:
        raise BadModel(
            "the function returned rows of shapes "
            f"{', '.join(str(shape) for shape in sorted({row.shape for row in found}))}; all "
            "samples must have as many scores"
        )
    return np.stack(found)


def _numbers(value: Any) -> Array:
    """Return what a function gave as float32; raise `BadModel` where it is no finite numbers."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, np.float32)
    except (TypeError, ValueError) as error:
        raise BadModel(
            f"the function returned {type(value).__name__} {str(value)[:40]!r}, which are no "
            "numbers; it must return one row of scores per sample"
        ) from error
    if not np.isfinite(array).all():
        raise BadModel("the function returned NaN or infinity; scores must be finite")
    return array
