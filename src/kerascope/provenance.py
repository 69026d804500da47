"""What made a result: versions, model, settings, seed; and marks of what went in and came out."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import os
import platform
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from kerascope.run import Run
    from kerascope.types import Array, Tree

_PACKAGES = ("numpy", "scipy", "scikit-image", "scikit-learn", "pillow")  # that results hang on
_PAIRS = ("rows", "batch", "size")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made a result: enough to make it again. Holds no path, user name or host name.

    Files of earlier versions lack the fields from `called` on.
    """

    kerascope: str
    keras: str
    backend: str
    backend_version: str
    model: str  # class name, or the file name it was loaded from
    model_sha256: str  # of configuration and weights
    method: dict[str, Any]
    target: str
    score: str
    seed: int
    seconds: float
    preprocessing: str | None = None
    called: str | None = None  # how the model takes its inputs: "single", "list", "tuple" or "dict"
    fit: str | None = None  # of pictures, see `load_images`
    size: tuple[int, ...] = ()  # of pictures, (height, width)
    asked: Any = None  # the target, see `targets.to_json`
    rows: tuple[tuple[int, int], ...] = ()  # by sample: its place in its call, samples in the call
    batch: tuple[tuple[int, int], ...] = ()  # (chunks done, rows per pass from there on)
    memory: int | None = None  # bytes that bounded the rows
    compiled: bool | None = None
    settled: dict[str, Any] = dataclasses.field(default_factory=dict)  # fields chosen by timing
    device: str = ""
    packages: dict[str, str] = dataclasses.field(default_factory=dict)
    reading: dict[str, Any] = dataclasses.field(default_factory=dict)  # of texts, see `tokens`

    def __post_init__(self) -> None:
        for name in _PAIRS:  # JSON knows lists only
            items = tuple(tuple(v) if isinstance(v, list) else v for v in getattr(self, name))
            object.__setattr__(self, name, items)


def provenance_of(
    view: Any,
    method: Mapping[str, Any],
    *,
    target: str,
    seed: int,
    started: float,
    inputs: Any = None,
    score: str | None = None,
    run: Run | None = None,
    asked: Any = None,
    x: Mapping[str, Array] | None = None,
    settled: Mapping[str, Any] | None = None,
) -> Provenance:
    """Return what made a result of a model's view (`HookedModel` or `BlackBox`).

    method: name and fields as JSON values. started: `time.perf_counter()` at the start. inputs: may
    say how they were preprocessed, as what `load_images` returns does. score: what was asked for,
    where that is not the view's. run, asked, x, settled: of a call of `explain`: its run, the
    target, the inputs by name, and fields that the method chose by timing.
    """
    import keras

    import kerascope
    from kerascope import backend
    from kerascope.facts import facts_of
    from kerascope.targets.saved import to_json

    facts = facts_of(view.model)
    fit = getattr(inputs, "fit", None)
    name, first = next(iter((x or {"": np.zeros(0)}).items()))
    return Provenance(
        kerascope=kerascope.__version__,
        keras=keras.__version__,
        backend=keras.backend.backend(),
        backend_version=backend.active().version(),
        model=facts.source or getattr(view.model, "name", None) or type(view.model).__name__,
        model_sha256=view.identity.sha256,
        method=dict(method),
        target=target,
        score=score or view.score,
        seed=seed,
        seconds=round(time.perf_counter() - started, 4),
        preprocessing=getattr(inputs, "preprocessing", None) or facts.preprocessing,
        called=view.structure.kind if x else None,
        fit=fit,
        size=_picture_size(view, name, first) if fit else (),
        asked=to_json(asked),
        rows=tuple((i, len(first)) for i in range(len(first))),
        batch=() if run is None else tuple(run.turns),
        memory=None if run is None else run.memory,
        compiled=view.compiled,
        settled=dict(settled or {}),
        device=f"{', '.join(backend.active().devices())} on {_processor()}",
        packages=_packages(),
        reading=view.reading.to_json(),
    )


def _picture_size(view: Any, name: str, pictures: Array) -> tuple[int, ...]:
    axes = view.axes(name, pictures.shape[1:])
    return tuple(n for n, a in zip(pictures.shape[1:], axes, strict=True) if a in ("y", "x"))


@functools.cache
def _processor() -> str:
    """Return the kind of processor and how many cores are ours: both decide how sums are split."""
    cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    return f"{platform.machine()}, {len(cores)} cores"


@functools.cache
def _packages() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _PACKAGES}


def samples_of(result: Any) -> list[dict[str, Any]]:
    """Return by sample what went in and came out, as JSON values: hashes, scores, predicted class.

    result: an `Attribution`. The class is None where the model's output is no vector of classes.
    """
    return [
        {
            "inputs": digest(result.inputs, i),
            "values": digest(result.values, i),
            "scores": np.asarray(result.scores[i], float).tolist(),
            "predicted": predicted(result.predictions, i),
        }
        for i in range(len(result))
    ]


def digest(tree: Tree, sample: int) -> str:
    """Return the sha256 of one sample of an array, or of several by name, with types and shapes."""
    mark = hashlib.sha256()
    for name, array in sorted(tree.items() if isinstance(tree, Mapping) else [("", tree)]):
        row = np.ascontiguousarray(array[sample])
        row = row.astype(row.dtype.newbyteorder("<"), copy=False)
        mark.update(f"{name}{row.dtype.str}{row.shape}".encode() + row.tobytes())
    return mark.hexdigest()


def predicted(outputs: Tree, sample: int) -> Any:
    """Return the strongest class, or by name that of every output; None where there are none."""
    if isinstance(outputs, Mapping):
        return {name: predicted(array, sample) for name, array in outputs.items()}
    return int(outputs[sample].argmax()) if outputs.ndim == 2 and outputs.shape[1] > 1 else None
