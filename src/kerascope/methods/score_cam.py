"""Score-CAM (Wang et al. 2020, equations 2 to 5, algorithm 1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kerascope.method import Axiom, Need, Passes, RawMap, check
from kerascope.methods.cam_family import ActivationMap
from kerascope.methods.input_family import feature_axes
from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreCAM(ActivationMap):
    """Weight each channel by the score of the input seen through that channel alone.

    Each channel's map, brought to the input's size and to 0…1, multiplies the input; the softmax
    over channels of the scores are the weights. The baseline's score is the same in all of them and
    falls out of the softmax.

    top_k: use only the k channels with the strongest activation (None: all).
    """

    name = "score_cam"
    title = "Score-CAM"
    reference = "wang2020scorecam"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS, Need.SCORES})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )
    one_pass: ClassVar[bool] = False

    top_k: int | None = None

    def __post_init__(self) -> None:
        check(
            self.top_k is None or self.top_k >= 1,
            f"score_cam: top_k={self.top_k} must be at least 1",
        )

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Two forward passes, for the scores and the maps, and one for each channel used."""
        return Passes(forward=2 + min(self.top_k or channels, channels))

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return Σ_k softmax(score_k)·A_k; all targets share the masked passes."""
        places = self.places(model, x, targets)
        sites = tuple(dict.fromkeys(place.site for place in places.values()))
        found = model.activations(x, sites, targets)
        signed, notes = {}, []
        for name, place in places.items():
            maps = place.maps(found[place.site], 1)
            signed[name], note = self._weigh(model, x, targets, run, place, name, maps)
            notes += note
        raw = self.finish(places, signed)
        raw.notes += notes
        return raw

    def combine(self, activations: Array, gradients: Array) -> Array:
        """Weights are given in place of gradients: (sample, target, *ones, channel)."""
        return np.sum(activations * gradients, axis=-1)

    def _weigh(
        self, model: Any, x: Any, targets: Any, run: Run, place: Place, name: str, maps: Array
    ) -> tuple[Array, list[str]]:
        samples, channels = len(maps), maps.shape[-1]
        used = min(self.top_k or channels, channels)
        energy = np.abs(maps).reshape(samples, -1, channels).sum(axis=1)
        chosen = np.argsort(-energy, axis=1, kind="stable")[:, :used]
        features = model.features(x)
        scores = np.zeros((samples, used, len(targets)), np.float32)
        for rows, draws in run.pairs(samples, used, "channels"):
            channel = np.stack(
                [maps[i, ..., chosen[i, d]] for i, d in zip(rows, draws, strict=True)]
            )
            mask = _unit(linear(channel, _size(features[name], place, model, name)))
            masked = features[name][rows] * _broadcast(mask, features[name], place, model, name)
            result = model.scores(
                {n: a[rows] for n, a in x.items()},
                targets.take(rows),
                at={name: masked},
                pad=run.chunk,
            )
            scores[rows, draws] = result.values
        weights = np.zeros((samples, len(targets), channels), np.float32)
        exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
        share = exponent / exponent.sum(axis=1, keepdims=True)
        np.put_along_axis(weights, chosen[:, None, :], np.swapaxes(share, 1, 2), axis=2)
        ones = (1,) * len(place.grid)
        signed = self.combine(maps[:, None], weights.reshape(*weights.shape[:2], *ones, channels))
        note = (
            []
            if used == channels
            else [f"score_cam used the {used} strongest of {channels} channels"]
        )
        return signed, note


def _size(feature: Array, place: Place, model: Any, name: str) -> tuple[int, ...]:
    """Return the input's size along the place's axes."""
    axes = model.axes(name, feature.shape[1:])
    return tuple(feature.shape[1 + axes.index(a)] for a in place.axes)


def _unit(masks: Array) -> Array:
    """Scale every map to 0…1; a flat map has no contrast and masks everything."""
    flat = masks.reshape(len(masks), -1)
    low = flat.min(axis=1).reshape(-1, *(1,) * (masks.ndim - 1))
    span = flat.max(axis=1).reshape(low.shape) - low
    return np.divide(masks - low, span, out=np.zeros_like(masks), where=span > 0)


def _broadcast(mask: Array, feature: Array, place: Place, model: Any, name: str) -> Array:
    """Give (row, *place axes) masks the axes of the feature that they lack: channel, embedding,
    frames.
    """
    axes = feature_axes(model, name, feature.shape[1:])
    missing = [i + 1 for i, axis in enumerate(axes) if axis not in place.axes]
    return np.expand_dims(mask, tuple(missing))
