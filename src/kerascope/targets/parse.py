"""From what a user says to resolved targets."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadTarget, choices
from kerascope.labels import all_names
from kerascope.targets.base import Spec, Target, Targets
from kerascope.targets.classes import Class, Contrast, Output, Predicted, Rank, Top
from kerascope.targets.detections import Detection
from kerascope.targets.detectors import detector_of
from kerascope.targets.horizon import Horizon
from kerascope.targets.pick import class_index, pick
from kerascope.targets.places import Box, Custom
from kerascope.targets.reconstruction import ReconstructionError, reconstructs
from kerascope.targets.regions import Area, Point
from kerascope.targets.segments import segmentation_of
from kerascope.targets.values import ExpectedRank, Regression

_LIKE_INPUT = (
    "no target was given: the output has the shape of the input, so the error of the "
    "reconstruction is explained; of a segmentation, class@area explains a class"
)


def resolve_targets(target: Any, spec: Spec, samples: int) -> Targets:
    """Return the resolved targets that `target` says; see `explain` for what it may be."""
    target = _from_words(target, spec) if isinstance(target, str) else target
    if isinstance(target, Predicted):
        target, note = target.settled(spec, samples)
        found = resolve_targets(target, spec, samples)
        return dataclasses.replace(found, notes=(note,)) if note else found
    if isinstance(target, Top):
        ranks = range(1, target.k + 1)
        if target.k < 1:
            raise BadTarget(f"top-{target.k} asks for no class: k starts at 1")
        items = tuple(default_target(spec, r, target.output).resolve(spec, samples) for r in ranks)
        return Targets(items, squeeze=False)
    if isinstance(target, tuple):
        if not target:
            raise BadTarget("an empty tuple of targets explains nothing")
        parts = [resolve_targets(item, spec, samples) for item in target]
        return Targets(tuple(t for part in parts for t in part), squeeze=False)
    one = one_target(target, spec, samples)
    said = target is not None or not isinstance(one, ReconstructionError)
    return Targets((one,), notes=() if said else (_LIKE_INPUT,))


def settled(target: Any, spec: Spec, samples: int) -> Any:
    """Return a target whose number of targets hangs on the prediction with that number fixed."""
    known = _from_words(target, spec) if isinstance(target, str) else target
    return known.settled(spec, samples)[0] if isinstance(known, Predicted) else target


def one_target(target: Any, spec: Spec, samples: int) -> Target:
    """Return the one resolved target that `target` says."""
    target = _from_words(target, spec) if isinstance(target, str) else target
    if target is None:
        target = ReconstructionError() if reconstructs(spec) else default_target(spec)
    if isinstance(target, Predicted):
        target = Rank(1, target.output)
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
        target = Class(int(target))
    if isinstance(target, (list, np.ndarray)):
        return _per_sample(list(target), spec, samples)
    if isinstance(target, (Top, tuple)):
        raise BadTarget(f"{target!r} is several targets; one is needed here")
    if callable(target) and not isinstance(target, (Target, type)):
        target = Custom(target)
    if not isinstance(target, Target):
        raise BadTarget(
            f"target {target!r} is not understood; give a class index or name, 'top-5', 'rank-2', "
            "a list (one per sample), a tuple (several), a Target or a function"
        )
    return target.resolve(spec, samples)


def default_target(spec: Spec, rank: int = 1, output: str | None = None) -> Target:
    """Return what is explained where nothing is said, or what comes in a place after it.

    Of a detector the surest detection, of a segmentation the class of the largest predicted area
    but the background's, over that area; else the predicted class.
    """
    if output is None and spec.at is None:
        if len(spec.input_size) == 2 and detector_of(spec) is not None:
            return Detection(rank=rank)
        if segmentation_of(spec) is not None:
            return Area(rank=rank)
    return Rank(rank, output)


def _from_words(text: str, spec: Spec) -> Any:
    """Return the target that words name.

    The words are a class name, "predicted", "top-5", "rank-2", "a vs b"; of values "value",
    "value-2", "value:name", "value vs 21.5"; "expected-rank"; "reconstruction" or
    "reconstruction-mae"; for forecasts "horizon", the sum, "horizon-3", three steps ahead, and
    "change" or "change-3", those minus the last known value, each also "… of wind"; any of them of
    a named output as "output:…". Of places see `_at_place`.
    """
    if (named := _class_named(text, spec)) is not None:
        return named
    if text.lower() == "predicted":
        known = default_target(spec)
        return Predicted() if isinstance(known, Rank) else known
    if match := re.fullmatch(r"(top|rank)-(\d+)", text.lower()):
        number = int(match[2])
        return Top(number) if match[1] == "top" else default_target(spec, number)
    if match := re.fullmatch(r"(horizon|change)(?:-(\d+))?(?: of (.+))?", text, re.IGNORECASE):
        step = int(match[2]) if match[2] else None
        channel = match[3] or "0"
        place = channel.isdigit() and channel not in spec.channels
        return Horizon(
            step,
            int(channel) if place else channel,
            "last" if match[1].lower() == "change" else None,
        )
    if " vs " in text:
        a, b = (part.strip() for part in text.split(" vs ", 1))
        return _counted_from(a, b, spec) or Contrast(a, b)
    if match := re.fullmatch(r"box-(\d+)", text.lower()):
        return Detection(int(match[1]))
    if (found := _at_place(text, spec)) is not None:
        return found
    output, colon, rest = text.partition(":")
    if colon and output in spec.outputs:
        return _of_output(output, rest, spec)
    if (value := _value_words(text)) is not None:
        return value
    if colon and len(spec.outputs) > 1:
        raise BadTarget(f"output '{output}' not found{choices(output, spec.outputs)}")
    return Class(text)


def _class_named(text: str, spec: Spec) -> Target | None:
    """Return the class of that name, of the one output that has it where outputs have own names."""
    if text.lower() not in {name.lower() for name in all_names(spec.labels)}:
        return None
    if not isinstance(spec.labels, Mapping):
        return Class(text)
    here = [o for o in spec.outputs if text.lower() in map(str.lower, spec.labels.get(o, ()))]
    if len(here) > 1:
        told = ", ".join(f"'{output}:{text}'" for output in here)
        raise BadTarget(f"class '{text}' is one of several outputs: say {told}")
    return Class(text, output=here[0]) if here else None


def _value_words(text: str) -> Target | None:
    """Return the target that words on values name; None for other words."""
    lower = text.lower()
    if match := re.fullmatch(r"value(?:-(\d+))?", lower):
        return Regression(int(match[1] or 0))
    if lower.startswith("value:") and text[6:]:
        return Regression(text[6:])
    if lower == "expected-rank":
        return ExpectedRank()
    if match := re.fullmatch(r"reconstruction(?:-(mse|mae))?", lower):
        return ReconstructionError(match[1] or "mse")
    return None


def _counted_from(words: str, number: str, spec: Spec) -> Regression | None:
    """Return a value's change against a number, as in "value vs 21.5"; None for other words."""
    found = _from_words(words, spec)
    if not isinstance(found, Regression):
        return None
    try:
        return dataclasses.replace(found, reference=float(number))
    except ValueError:
        return None


def _of_output(name: str, words: str, spec: Spec) -> Any:
    """Return the target that words name on one of several outputs."""
    inner = _from_words(words, dataclasses.replace(spec, outputs={name: spec.outputs[name]}))
    if words and hasattr(inner, "output") and inner.output is None:
        return dataclasses.replace(inner, output=name)
    return Output(name, words or None)


def _at_place(text: str, spec: Spec) -> Target | None:
    """Return the target of "class@place" or of a place alone; None where words name no place.

    Of segmentations "class@area", where it is predicted, "class@x,y" and "class@x0,y0,x1,y1", in
    pixels of the input or with % of its size; without a class, the one predicted there. Of
    detectors "detection", the surest, "detection-2", the second, "class@detection", and
    "class@x0,y0,x1,y1"; "box-7" is read before.
    """
    who, at, place = text.rpartition("@")
    class_ = who.strip() or None
    place = place.strip().lower()
    if match := re.fullmatch(r"(area|detection)(?:-(\d+))?", place):
        rank = int(match[2] or 1)
        return Area(class_, rank) if match[1] == "area" else Detection(None, class_, rank)
    if not at:
        return None
    if place == "mask":
        raise BadTarget(f"'{text}' needs a mask: --mask FILE, or ks.Mask(array, {class_!r})")
    numbers = [_length(one.strip(), axis % 2, spec) for axis, one in enumerate(place.split(","))]
    if len(numbers) == 2 and None not in numbers:
        return Point((numbers[0], numbers[1]), class_)  # type: ignore[arg-type]
    if len(numbers) == 4 and None not in numbers:
        return Box(tuple(numbers), class_)  # type: ignore[arg-type]
    raise BadTarget(
        f"place '{place}' in '{text}' is not understood; it is 'area', 'mask', 'detection', 'x,y' "
        "or 'x0,y0,x1,y1', in pixels of the model's input or with % of its size"
    )


def _length(text: str, axis: int, spec: Spec) -> float | None:
    """Return a length in pixels; axis 0 is x. None where it is no number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text)
    if match is None:
        return None
    if not match[2]:
        return float(match[1])
    if len(spec.input_size) != 2:
        raise BadTarget(f"'{text}' is a share of a picture's size, and the input is no picture")
    return float(match[1]) / 100 * spec.input_size[1 - axis]


def _per_sample(items: list[Any], spec: Spec, samples: int) -> Target:
    """Return one target with a class of its own for every sample."""
    if len(items) != samples:
        raise BadTarget(
            f"the target list has {len(items)} entries for {samples} samples: a list holds one per "
            "sample, a tuple holds several targets"
        )
    index, rank, outputs = [], [], set()
    for item in items:
        words = _from_words(item, spec) if isinstance(item, str) else item
        words = Rank(1) if words is None or isinstance(words, Predicted) else words
        if isinstance(words, Rank):
            index.append(0)
            rank.append(words.rank)
            outputs.add(words.output)
            continue
        name = words.output if isinstance(words, Class) else None
        value = words.class_ if isinstance(words, Class) else words
        if isinstance(value, str):
            value = class_index(value, spec, spec.output(name))
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise BadTarget(
                f"a target list holds a class index, name or rank per sample, not {item!r}; "
                "several targets per sample are a tuple"
            )
        index.append(int(value))
        rank.append(0)
        outputs.add(name)
    if len(outputs) > 1:
        raise BadTarget("a target list must stay on one output")
    return pick(spec, samples, output=outputs.pop(), index=index, rank=rank)
