"""What suits a kind of input where nothing is said: the method, and what is explained of tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from kerascope.columns import Table
from kerascope.hooks import BlackBox, HookedModel
from kerascope.hooks.places import candidates
from kerascope.method import AttributionMethod, make_method, method_class
from kerascope.several import Several
from kerascope.targets import Horizon, ReconstructionError, Spec, Targets
from kerascope.targets.detectors import detector_of
from kerascope.targets.reconstruction import reconstructs
from kerascope.targets.segments import segmentation_of
from kerascope.timeline import Timeline
from kerascope.tokens import Reading
from kerascope.types import Array

PICTURES, TOKENS, TABLES = "grad_cam", "integrated_gradients", "kernel_shap"
MIXED = "integrated_gradients"
PLAIN = "integrated_gradients"  # of pictures that are flattened or read row by row at once
# Series, volumes and films: signed, at every step and channel, on each kind of net. A layer's map
# is coarse along time, names no channel, and there is none where a recurrent layer returns its last
# state alone. On nets with a planted slice (tests/series_nets.py) integrated gradients put that
# slice first in 24 of 24 scenes of a 3-D convolution, 21 of a ConvLSTM, 24 of TimeDistributed
# layers; Grad-CAM in 10, none (it has no frames there) and 24.
DEEP = "integrated_gradients"
AREAS, BOXES = "seg_grad_cam", "d_rise"
SCORES = "occlusion"  # of a function, which has no layers and no gradients
_MASKS = 1000  # of D-RISE where nobody says: a fifth of its paper's; a regression makes up for it


def by_kind(method: AttributionMethod, inputs: Several) -> AttributionMethod:
    """Return a method that compares every input with what suits its kind, where it was not told.

    Columns: the median of their background. Texts: the mask, unknown or padding token. Others: the
    method's own baseline.
    """
    fields = {f.name: f.default for f in dataclasses.fields(method)}
    if "baseline" not in fields or getattr(method, "baseline", None) != fields["baseline"]:
        return method
    own: dict[str, Any] = dict.fromkeys(inputs.inputs, fields["baseline"])
    own |= inputs.covers
    if inputs.reading.texts:
        own[inputs.reading.input] = inputs.reading.cover()
    return make_method(method, {"baseline": own})


def default_method(
    model: Any, inputs: Any, fields: Mapping[str, Any], target: Any = None
) -> AttributionMethod:
    """Return the method for a model and inputs, where none was asked for.

    Token ids: integrated gradients at the embedding, from that of the mask token, or else of the
    padding. A table: Kernel SHAP. Several inputs of several kinds, plain columns, and the error of
    a reconstruction: integrated gradients, which has one unit for all that it explains. Series,
    volumes and films: integrated gradients, from each channel's own mean. A segmentation:
    Seg-Grad-CAM. A detector: D-RISE, because it asks for no slopes (many detectors end in a
    suppression that has none) and its map is of the one box, where class activation maps show all
    things of its class. Another plain function: occlusion. Pictures of a net without a layer that
    has positions (flattened, or read row by row): integrated gradients. Anything else: Grad-CAM.
    """
    if isinstance(inputs, Table):
        return make_method(TABLES, fields)
    if isinstance(target, ReconstructionError) or str(target).startswith("reconstruction"):
        return make_method(MIXED, fields)
    if isinstance(inputs, Several):
        kinds = {array.ndim for array in inputs.inputs.values()}
        if min(kinds) <= 3:
            return make_method(MIXED, fields)
    view = model if isinstance(model, (HookedModel, BlackBox)) else None
    if view is None and isinstance(model, keras.Model):
        view = HookedModel(model)
    elif view is None and callable(model):
        view = BlackBox(model)
    if view is None:
        return make_method(PICTURES, fields)
    x = view.read(inputs)
    if isinstance(view, BlackBox):
        name, more = _of_outputs(view.spec(), fields)
        return make_method(*((name, more | dict(fields)) if name == BOXES else (SCORES, fields)))
    if not set(x) & set(view.survey.tokens):
        flat = [name for name, array in x.items() if array.ndim < 3]
        if flat:
            return make_method(MIXED, fields)
        return _of_numbers(view, x, fields, target, on_series(view.spec(), inputs))
    reading = getattr(inputs, "reading", None) or Reading()
    ids = (reading.mask, reading.pad, 0)
    known = {"baseline": next(i for i in ids if i is not None)}
    return make_method(TOKENS, known | dict(fields))


def _of_numbers(
    view: Any, x: Mapping[str, Array], fields: Mapping[str, Any], target: Any, spec: Spec
) -> AttributionMethod:
    """Return the method for inputs of numbers, by the axes of the first that has any."""
    spatial = [
        tuple(
            axis for axis in view.axes(name, array.shape[1:]) if axis not in ("channel", "feature")
        )
        for name, array in x.items()
        if name not in view.held
    ]
    if target is None and reconstructs(spec):
        return make_method(MIXED, fields)
    if not any(len(axes) == 2 and "time" not in axes for axes in spatial) and any(spatial):
        return make_method(DEEP, {"baseline": "mean"} | dict(fields))
    name, more = _of_outputs(spec, fields)
    own = [each for each in x if each not in view.held]
    if name in (PICTURES, AREAS) and not any(candidates(view, x, each) for each in own):
        return make_method(PLAIN, fields)
    return make_method(name, more | dict(fields))


def on_series(spec: Spec, inputs: Any) -> Spec:
    """Return what targets must know, with the channels of series and those that are forecast."""
    features = getattr(inputs, "features", None) or {}
    lines = next((of for of in features.values() if of and isinstance(of[0], Timeline)), None)
    if lines is None:
        return spec
    return dataclasses.replace(spec, channels=lines[0].channels, forecast=lines[0].forecast)


def or_horizon(target: Any, spec: Spec) -> Any:
    """Return the target asked for; of a forecast its sum, where nothing is said."""
    return Horizon() if target is None and spec.forecast else target


def _of_outputs(spec: Spec, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the method that suits a model's outputs and takes these fields, and more fields."""

    def takes(name: str) -> bool:
        return set(fields) <= {field.name for field in dataclasses.fields(method_class(name))}

    if len(spec.input_size) == 2 and takes(BOXES) and detector_of(spec) is not None:
        return BOXES, {"masks": _MASKS}
    found = len(spec.input_size) == 2 and takes(AREAS) and segmentation_of(spec) is not None
    return (AREAS if found else PICTURES), {}


def seen_by(method: AttributionMethod, view: Any, x: Mapping[str, Array]) -> Spec:
    """Return what targets must know of a model that a method looks at."""
    return dataclasses.replace(on_tokens(view.spec(), view, x), gradients=method.asks_slopes)


def on_tokens(spec: Spec, view: Any, x: Mapping[str, Array]) -> Spec:
    """Return what targets must know, with tokens for classes where the model predicts the next.

    That is a model whose output has a class for every token of the vocabulary at every position.
    """
    spec = dataclasses.replace(spec, predict=lambda: view.scores(x, Targets(())).raw)
    reading = view.reading
    ids = x.get(reading.input or next(iter(x)))
    words = reading.vocabulary
    if not reading.texts or words is None or ids is None or spec.labels is not None:
        return spec
    output = spec.output(None)
    if len(output.shape) != 2 or output.shape[0] != ids.shape[1] or output.classes < len(words):
        return spec
    labels = words + ("",) * (output.classes - len(words))
    return dataclasses.replace(spec, labels=labels, at=reading.ends(ids))
