"""Segmentations: which output gives a class to every position, and what its numbers say."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.errors import BadTarget
from kerascope.labels import names_for
from kerascope.targets.base import OutputSpec, Spec
from kerascope.targets.pick import class_index
from kerascope.types import Tensor

BACKGROUND = ("background", "bg", "void", "unlabeled", "unlabelled", "ignore", "no object", "none")
_COARSE = 4  # by how much a head of raw values may be smaller than the input to be a segmentation


def segmentation_of(spec: Spec) -> OutputSpec | None:
    """Return the output that gives a class to every position of the input; None without one.

    Its positions have the input's proportions. Raw values count where the class names fit, or where
    there are at least three per position and not as many as the input has channels: an output like
    the input may be a picture.
    """
    for output in spec.outputs.values():
        rank = len(output.shape) - 1
        if rank < 2 or rank != len(spec.input_size) or output.shape[:-1] == (1,) * rank:
            continue
        steps = [old / new for old, new in zip(spec.input_size, output.shape[:-1], strict=True)]
        if max(steps) > 1.1 * min(steps):
            continue
        count = output.classes
        named = names_of(spec, output) is not None
        like_input = count == _channels(spec) and max(steps) <= 1
        if named or (output.kind in ("softmax", "log_softmax") and count > 1):
            return output
        if output.kind == "sigmoid" and not like_input:
            return output
        raw = output.kind in ("linear", "unknown") and max(steps) <= _COARSE
        if raw and count > 2 and not like_input:
            return output
    return None


def _channels(spec: Spec) -> int:
    """Return the number of channels of the first input; 0 where it has none."""
    name = next(iter(spec.inputs), "")
    axes = spec.axes.get(name, ())
    return spec.inputs[name][axes.index("channel")] if "channel" in axes else 0


def names_of(spec: Spec, output: OutputSpec) -> tuple[str, ...] | None:
    """Return the class names of a dense output, two where it has one value per position."""
    names = names_for(spec.labels, output.name)
    return names if names is not None and len(names) == class_count(output) else None


def class_count(output: OutputSpec) -> int:
    """Return the number of classes: one value per position parts two of them."""
    return max(2, output.classes)


def background_of(names: tuple[str, ...] | None) -> int | None:
    """Return the class that is no thing: by its name, or 0 where there are no names."""
    if names is None:
        return 0
    found = [i for i, name in enumerate(names) if name.strip().lower() in BACKGROUND]
    return found[0] if found else None


def dense_output(spec: Spec, name: str | None, who: str) -> OutputSpec:
    """Return the output with positions that `who` speaks of; raise `BadTarget` without one."""
    chosen = None if name is not None else segmentation_of(spec)
    chosen = chosen or next(
        (o for o in spec.outputs.values() if name is None and len(o.shape) > 1), spec.output(name)
    )
    if not chosen.shape[:-1]:
        raise BadTarget(
            f"{who} needs an output with positions; '{chosen.name}' has shape {chosen.shape}"
        )
    if spec.score == "probability" and chosen.kind == "linear":
        raise BadTarget(
            f"score='probability' needs a softmax or sigmoid; output '{chosen.name}' ends in raw "
            "values, use score='logit'"
        )
    return chosen


def dense_class(class_: Any, spec: Spec, output: OutputSpec) -> int:
    """Return the number of a class of a dense output; −1 for None: what is predicted there."""
    if class_ is None:
        return -1
    count = class_count(output)
    head = dataclasses.replace(output, shape=(count,))
    index = class_index(class_, spec, head) if isinstance(class_, str) else class_
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
        raise BadTarget(f"a class is an index or a name, not {class_!r}")
    if not 0 <= index < count:
        raise BadTarget(
            f"class {index} is out of range: output '{output.name}' has {count} classes, 0 to "
            f"{count - 1}"
        )
    return int(index)


def predicted(values: Any, output: OutputSpec, score: str) -> Any:
    """Return the predicted class of every position, (sample, *positions), of scores."""
    from keras import ops

    if output.classes == 1:
        return ops.cast(values[..., 0] > middle(score), "int32")
    return ops.cast(ops.argmax(values, axis=-1), "int32")


def middle(score: str) -> float:
    """Return the score of one value per position from which its second class is predicted."""
    return 0.0 if score == "logit" else 0.5


def of_class(values: Tensor, index: Any, output: OutputSpec, score: str) -> Tensor:
    """Return (sample, *positions): the scores of each sample's class."""
    from keras import ops

    ones = (1,) * (len(output.shape) - 1)
    if output.classes == 1:
        sign = ops.reshape(ops.cast(2 * index - 1, values.dtype), (-1, *ones))
        return middle(score) + (values[..., 0] - middle(score)) * sign
    picked = ops.one_hot(ops.cast(index, "int32"), output.classes, dtype=values.dtype)
    return ops.sum(values * ops.reshape(picked, (-1, *ones, output.classes)), axis=-1)


def named(names: tuple[str, ...] | None, index: Any) -> str:
    """Return a class in words."""
    return f"class {int(index)}" if names is None else f"'{names[int(index)]}'"
