"""What a model wants at its inputs, read from the model through public attributes only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from kerascope.errors import BadInput

Shape = tuple[int | None, ...]

_CHANNELS = (1, 3, 4)
_ARITHMETIC = ("Subtract", "Divide", "TrueDivide", "Multiply", "Add", "GetItem", "Flip")


class Wanted(NamedTuple):
    """The picture that a model takes; None where any value will do."""

    height: int | None
    width: int | None
    channels: int | None
    channels_first: bool

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) where both are fixed."""
        return None if self.height is None or self.width is None else (self.height, self.width)

    def shape(self) -> Shape:
        """The shape of a sample."""
        place = (self.height, self.width)
        return (self.channels, *place) if self.channels_first else (*place, self.channels)


def input_shapes(model: Any) -> dict[str, Shape]:
    """Return shapes without the sample axis by input name; empty when the model does not say."""
    inputs = _say(model, "input")
    if inputs is not None:  # a functional graph: symbolic tensors, in the structure of the call
        if isinstance(inputs, Mapping):
            return {str(name): tuple(tensor.shape)[1:] for name, tensor in inputs.items()}
        tensors = inputs if isinstance(inputs, list | tuple) else [inputs]
        return {tensor.name: tuple(tensor.shape)[1:] for tensor in tensors}
    shapes = _say(model, "input_shape") or _built_shape(model)
    if not shapes:
        return {}
    if isinstance(shapes, Mapping):
        return {str(name): tuple(shape)[1:] for name, shape in shapes.items()}
    if isinstance(shapes[0], list | tuple):
        return {f"input_{i}": tuple(shape)[1:] for i, shape in enumerate(shapes)}
    return {"input": tuple(shapes)[1:]}


def _say(model: Any, attribute: str) -> Any:
    """Return an attribute of a model, None where it is not known yet: Keras raises when unbuilt."""
    try:
        return getattr(model, attribute, None)
    except (AttributeError, ValueError, RuntimeError):
        return None


def _built_shape(model: Any) -> Any:
    """Return the shape a subclassed model was built on, where it was."""
    try:
        return (model.get_build_config() or {}).get("input_shape")
    except (AttributeError, TypeError, ValueError, NotImplementedError):
        return None


def output_widths(model: Any) -> set[int]:
    """Return how many values each output of the model has per position; empty when unknown."""
    return {
        shape[-1]
        for shape in _output_shapes(model)
        if len(shape) > 1 and isinstance(shape[-1], int)
    }


def box_widths(model: Any) -> set[int]:
    """Return how many classes each output may have that holds rows of boxes or a grid of cells.

    Beside them stand four numbers of a box, and perhaps its sureness. A grid is at least eight
    times coarser than the input.
    """
    found: set[int] = set()
    given = next(iter(input_shapes(model).values()), ())
    for shape in _output_shapes(model):
        sizes = [n for n in shape[1:-1] if isinstance(n, int)]
        coarse = len(given) > 1 and isinstance(given[0], int) and sizes[:1] <= [given[0] // 8]
        if isinstance(shape[-1], int) and (len(shape) == 3 or (len(shape) > 3 and coarse)):
            found |= {shape[-1] - 4, shape[-1] - 5}
    return {count for count in found if count > 0}


def boxes_apart(model: Any) -> bool:
    """Return whether boxes are an output of their own, beside numbers of any classes."""
    shapes = _output_shapes(model)
    return len(shapes) > 1 and any(len(shape) == 3 and shape[-1] == 4 for shape in shapes)


def output_shapes(model: Any) -> dict[str, Any]:
    """Return shapes with the sample axis by output name; empty when unknown."""
    shapes = _say(model, "output_shape")
    if isinstance(shapes, Mapping):
        return {str(name): shape for name, shape in shapes.items()}
    several = _output_shapes(model)
    names = _say(model, "output_names") or []
    if len(set(names)) != len(several):
        names = [f"output_{i}" for i in range(len(several))]
    return dict(zip(names, several, strict=True))


def _output_shapes(model: Any) -> list[Any]:
    shapes = _say(model, "output_shape")
    if isinstance(shapes, Mapping):
        shapes = list(shapes.values())
    if shapes and not isinstance(shapes[0], list | tuple):
        shapes = [shapes]
    return list(shapes or ())


def wanted_picture(model: Any, *, array: bool = False) -> Wanted:
    """Return the picture that `model` takes; raise `BadInput` when it does not take one.

    array: what was given is an array: the error says who reads it.
    """
    shapes = input_shapes(model)
    if not shapes:
        return Wanted(None, None, None, _channels_first(model, None))
    if len(shapes) > 1:
        names = ", ".join(f"'{name}' {shape}" for name, shape in shapes.items())
        raise BadInput(
            f"the model has {len(shapes)} inputs ({names}); give a dict of arrays by input name "
            "instead of pictures"
        )
    ((name, shape),) = shapes.items()
    if len(shape) != 3:
        instead = ": load_inputs reads arrays" if array else "; give the inputs as an array (.npy)"
        raise BadInput(
            f"the model's input '{name}' has shape {shape}, which is no picture{instead}"
        )
    if _channels_first(model, shape):
        return Wanted(shape[1], shape[2], shape[0], channels_first=True)
    return Wanted(shape[0], shape[1], shape[2], channels_first=False)


def _channels_first(model: Any, shape: Shape | None) -> bool:
    """Say whether channels come first: by the first layer that knows, else by the shape."""
    for operation in leaves(model):
        data_format = getattr(operation, "data_format", None)
        if data_format in ("channels_first", "channels_last"):
            return data_format == "channels_first"
    return shape is not None and shape[0] in _CHANNELS and shape[-1] not in _CHANNELS


def hub_converter(model: Any) -> Any:
    """Return the image converter of a KerasHub task, None for every other model."""
    return getattr(getattr(model, "preprocessor", None), "image_converter", None)


def leaves(model: Any) -> Iterator[Any]:
    """Yield layers and operations in the order of the graph, nested models opened."""
    inside = _say(model, "operations") or _say(model, "layers")
    for item in inside or ():
        if getattr(item, "layers", None):
            yield from leaves(item)
        else:
            yield item


def reads_ids(model: Any) -> bool:
    """Tell whether a model takes rows of token ids: one input of one axis, and an embedding."""
    from keras.layers import Embedding

    shapes = list(input_shapes(model).values())
    if len(shapes) != 1 or len(shapes[0]) != 1:
        return False
    return any(isinstance(layer, Embedding) for layer in leaves(model))


def models_in(model: Any) -> Iterator[Any]:
    """Yield the model and every model nested in it."""
    yield model
    for layer in _say(model, "layers") or ():
        if getattr(layer, "layers", None):
            yield from models_in(layer)


def inner_scaling(model: Any) -> tuple[str, str] | None:
    """Return the range that a model's own first layers expect, "none" (0…255) or "unit", and why.

    None when the model does not scale its input itself before the first layer with weights.
    """
    for operation in leaves(model):
        kind, name = type(operation).__name__, getattr(operation, "name", "?")
        weights = getattr(operation, "weights", None)
        if kind == "Rescaling":
            scale = float(np.max(np.abs(np.asarray(operation.scale, np.float64))))
            if scale <= 1 / 30:
                return "none", f"layer '{name}' (Rescaling) scales 0…255 inside the model"
            if scale >= 0.9:
                return "unit", f"layer '{name}' (Rescaling) scales 0…1 inside the model"
        elif kind == "Normalization":
            mean = _largest_mean(operation)
            if mean > 0:
                which = ("none", "0…255") if mean > 2 else ("unit", "0…1")
                return which[0], f"layer '{name}' (Normalization) takes {which[1]} inside the model"
        # Without weights it is an operation of keras.ops, not a merging layer.
        elif kind in _ARITHMETIC and weights is None:
            return "none", f"operation '{name}' ({kind}) prepares the input inside the model"
        elif weights:
            return None
    return None


def _largest_mean(layer: Any) -> float:
    """Return the largest mean of a Normalization layer, 0 when it was never adapted."""
    mean = getattr(layer, "mean", None)
    if mean is None:
        return 0.0
    from keras import ops

    return float(np.max(np.abs(ops.convert_to_numpy(mean))))
