"""The input that is optimised, and what stands at the others meanwhile."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, Refused, choices

if TYPE_CHECKING:
    from kerascope.hooks import HookedModel
    from kerascope.types import Array

_SIDE = 224  # pixels of an axis that the model leaves open, where nothing is asked for


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """name: of the optimised input. shape, axes: of one sample. others: (1, …) by name."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    others: dict[str, Array]
    notes: tuple[str, ...]


def subject_of(
    view: HookedModel, inputs: Any, over: str | None, size: int | tuple[int, ...] | None
) -> Subject:
    """Return what is optimised; the model's inputs have been read then.

    inputs: a sample of what the model takes; without, what the model declares, others at zero.
    Raises `BadInput` where shapes are not known, `Refused` where there are only tokens.
    """
    notes: list[str] = []
    given = _zeros(view, size, notes) if inputs is None else inputs
    x = {name: array[:1] for name, array in view.read(given).items()}
    tokens = view.survey.tokens
    free = [name for name in x if name not in tokens]
    if not free:
        layers = ", ".join(f"'{site}'" for site in tokens.values())
        raise Refused(
            f"the model takes tokens only (integers that {layers} looks up): there is nothing to "
            "climb along; a target inside the model has no input to be maximised over"
        )
    if over is None:
        pictures = [name for name in free if x[name].ndim == 4]
        over = (pictures or free)[0]
    elif over not in x:
        raise BadInput(f"over='{over}' is not an input{choices(over, x)}")
    elif over in tokens:
        raise Refused(f"input '{over}' holds tokens, which layer '{tokens[over]}' looks up")
    others = {name: array for name, array in x.items() if name != over}
    if others and inputs is None:
        names = ", ".join(f"'{name}'" for name in others)
        notes.append(f"inputs held at zero: {names}; inputs= gives them other values")
    if x[over].dtype.kind in "iu" or "int" in _declared(view.model).get(over, ((), ""))[1]:
        raise Refused(
            f"input '{over}' is of whole numbers, through which Keras passes no gradient: there is "
            "nothing to climb along; a model on float inputs has one"
        )
    shape = x[over].shape[1:]
    return Subject(over, shape, tuple(view.axes(over, shape)), others, (*view.notes, *notes))


def _zeros(view: HookedModel, size: Any, notes: list[str]) -> Any:
    """Return zeros in the shapes that the model declares."""
    declared = _declared(view.model)
    if not declared:
        raise BadInput(
            "the model does not say what shape its inputs have; give inputs=, a sample of them"
        )
    several = len(declared) > 1
    arrays = {}
    for name, (shape, dtype) in declared.items():
        kind = np.int32 if "int" in dtype else np.float32
        arrays[name] = np.zeros((1, *_closed(shape, size, notes)), kind)
    return arrays if several else next(iter(arrays.values()))


def _declared(model: Any) -> dict[str, tuple[tuple[int | None, ...], str]]:
    try:
        tensors = model.inputs or ()
    except (AttributeError, ValueError):
        tensors = ()
    keyed = getattr(model, "input", None) if tensors else None
    named = keyed.items() if isinstance(keyed, Mapping) else ((t.name, t) for t in tensors)
    found = {name: (tuple(t.shape)[1:], str(t.dtype)) for name, t in named}
    if found:
        return found
    try:  # a subclassed model that was built
        shape = (model.get_build_config() or {}).get("input_shape")
    except (AttributeError, TypeError, ValueError, NotImplementedError):
        return {}
    if isinstance(shape, Mapping):
        return {name: (tuple(each)[1:], "float32") for name, each in shape.items()}
    if not shape or isinstance(shape[0], (list, tuple)):
        return {}
    return {"input": (tuple(shape)[1:], "float32")}


def _closed(shape: tuple[int | None, ...], size: Any, notes: list[str]) -> tuple[int, ...]:
    """Return the shape with its open axes at `size`."""
    open_axes = [axis for axis, n in enumerate(shape) if n is None]
    if not open_axes:
        return tuple(int(n or 0) for n in shape)
    if size is None:
        notes.append(f"the model leaves its size open: {_SIDE} is taken, size= changes it")
    sides = size if isinstance(size, (tuple, list)) else (size or _SIDE,) * len(open_axes)
    if len(sides) != len(open_axes) or not all(
        isinstance(s, (int, np.integer)) and s > 0 for s in sides
    ):
        raise BadInput(f"size={size} does not fit the {len(open_axes)} open axes of shape {shape}")
    closed = list(shape)
    for axis, side in zip(open_axes, sides, strict=True):
        closed[axis] = side
    return tuple(int(n or 0) for n in closed)
