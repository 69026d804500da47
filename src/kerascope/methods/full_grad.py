"""FullGrad (Srinivas and Fleuret 2019, equations 1, 3 and 4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Passes, RawMap
from kerascope.methods.input_family import InputMap, feature_axes
from kerascope.methods.integrated_gradients import gap_notes
from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place

_ROWS = 2  # samples at a time: the gradients at all layers are held at once


@dataclasses.dataclass(frozen=True, kw_only=True)
class FullGrad(InputMap):
    """The input's share of the score and every bias's, brought to the input's size and summed.

    On nets of linear and ReLU layers, Σ x·∂y/∂x + Σ b·∂y/∂b is exactly the score; `gap` is what is
    missing. The map is the paper's: absolute values, each layer's scaled to 0…1, enlarged, summed
    over channels. Biases without positions (dense layers) count in the gap, not in the map.

    rescale: scale each layer's share to 0…1 first, as in the paper; False keeps their sizes.
    """

    name = "full_grad"
    title = "FullGrad"
    reference = "srinivas2019fullgrad"
    formula = "ψ(x · ∂y/∂x) + Σ over layers and channels of ψ(b · ∂y/∂b), ψ = scale to 0…1 of |·|"
    use = (
        "One map for the whole net, biases included, from one pass; on nets of linear and ReLU "
        "layers the terms sum to the score."
    )
    avoid = (
        "For the sign of evidence, or to tell classes apart by place: where the evidence is "
        "known (kerascope benchmark) less of the map lies on it than of an edge map."
    )
    signed: ClassVar[bool] = False
    axioms: ClassVar[frozenset[Axiom]] = frozenset({Axiom.CLASS_SENSITIVITY, Axiom.COMPLETENESS})
    one_pass: ClassVar[bool] = False

    rescale: bool = True

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """One gradient pass that also asks for the gradient at every layer with a bias."""
        return Passes(1, 1, targets - 1)

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the full-gradient map; its terms' completeness gap is in `gap`."""
        from kerascope.hooks.places import bias_places

        biases = _biases(model)
        places = bias_places(model, x, tuple(biases))
        rows = len(next(iter(x.values())))
        parts, gaps = [], []
        for start in range(0, rows, _ROWS):
            some = {name: array[start : start + _ROWS] for name, array in x.items()}
            index = np.arange(start, min(start + _ROWS, rows))
            values, gap = self._some(model, some, targets.take(index), biases, places)
            parts.append(values)
            gaps.append(gap)
            run.report("samples", int(index[-1]) + 1, rows)
        gap = np.concatenate(gaps)
        raw = RawMap(
            values={name: np.concatenate([part[name] for part in parts]) for name in x},
            axes={
                name: (
                    "sample",
                    "target",
                    *(a for a in model.axes(name, array.shape[1:]) if a != "channel"),
                )
                for name, array in x.items()
            },
            gap=gap.astype(np.float32),
        )
        raw.notes += gap_notes(gap, run.scores)
        return raw

    def _some(
        self,
        model: Any,
        x: Any,
        targets: Any,
        biases: dict[Any, Array],
        places: dict[str, list[Place]],
    ) -> tuple[dict[str, Array], Array]:
        features = model.features(x)
        found = model.gradients(x, targets, tuple(biases))
        gap = found.scores.astype(np.float64)
        terms = {}
        for name, gradient in found.inputs.items():
            term = gradient * features[name][:, None]
            gap = gap - term.reshape(*term.shape[:2], -1).sum(axis=-1, dtype=np.float64)
            axes = feature_axes(model, name, term.shape[2:])
            folded = [i + 2 for i, axis in enumerate(axes) if axis in ("channel", "embedding")]
            terms[name] = self._scale(np.abs(term)).sum(axis=tuple(folded))
        for site, bias in biases.items():
            share = found.layers[site] * bias
            gap = gap - share.reshape(*share.shape[:2], -1).sum(axis=-1, dtype=np.float64)
            for name, own in places.items():
                for place in (p for p in own if p.site == site):
                    maps = self._scale(np.abs(place.maps(share, 2))).sum(axis=-1)
                    terms[name] = terms[name] + linear(maps, terms[name].shape[2:])
        return {name: array.astype(np.float32) for name, array in terms.items()}, gap

    def _scale(self, values: Array) -> Array:
        """Scale each (sample, target) to 0…1 where `rescale` says so."""
        if not self.rescale:
            return values
        flat = values.reshape(*values.shape[:2], -1)
        shape = (*values.shape[:2], *(1,) * (values.ndim - 2))
        low, high = flat.min(axis=-1).reshape(shape), flat.max(axis=-1).reshape(shape)
        return np.divide(values - low, high - low, out=np.zeros_like(values), where=high > low)


def _biases(model: Any) -> dict[Any, Array]:
    """Return the constant that each affine layer call adds, by the site before its activation."""
    from kerascope.hooks.shadow import has_fused_activation

    found = {}
    for call in model.survey.calls:
        layer = model.table[call.site.path]
        bias = _constant(layer, model.layout == "channels_first", len(call.shape))
        if bias is not None and np.any(bias):
            stage = "linear" if has_fused_activation(layer) else "output"
            found[call.site._replace(stage=stage)] = bias
    return found


def _numpy(value: Any) -> Array:
    """Return a variable or tensor as a float32 array."""
    import keras

    array = (
        value.numpy() if isinstance(value, keras.Variable) else keras.ops.convert_to_numpy(value)
    )
    return np.asarray(array, np.float32)


def _constant(layer: Any, channels_first: bool, rank: int) -> Array | None:
    """Return what an affine layer gives for a zero input, in the shape of its output's channels."""
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        spread = np.sqrt(_numpy(layer.moving_variance) + layer.epsilon)
        gamma = _numpy(layer.gamma) if layer.scale else 1.0
        beta = _numpy(layer.beta) if layer.center else 0.0
        bias, axis = beta - gamma * _numpy(layer.moving_mean) / spread, layer.axis
        return bias if axis in (-1, rank) else bias.reshape(-1, *(1,) * (rank - axis))
    if isinstance(layer, keras.layers.Rescaling):
        return np.asarray(layer.offset, np.float32)
    if isinstance(layer, keras.layers.Normalization):
        return -_numpy(layer.mean)[0] / np.maximum(np.sqrt(_numpy(layer.variance)[0]), 1e-7)
    if isinstance(layer, (keras.layers.LayerNormalization, keras.layers.GroupNormalization)):
        return _numpy(layer.beta) if layer.center else None
    if isinstance(layer, (keras.layers.RNN, keras.layers.MultiHeadAttention)):
        return None
    bias = getattr(layer, "bias", None)
    if bias is None or not hasattr(bias, "shape"):
        return None
    first = channels_first and getattr(layer, "data_format", None) == "channels_first" and rank > 1
    return _numpy(bias).reshape(-1, *(1,) * (rank - 1)) if first else _numpy(bias)
