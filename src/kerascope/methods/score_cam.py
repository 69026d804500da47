"""Score-CAM (Wang et al. 2020, equations 2 to 5, algorithm 1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kerascope.method import Passes, check
from kerascope.methods.cam_family import ChannelWeights, Weigher
from kerascope.methods.channel_search import ChannelSearch, softmax, unit
from kerascope.methods.input_family import feature_axes
from kerascope.resize import linear
from kerascope.types import Array

if TYPE_CHECKING:
    from kerascope.hooks.places import Place

_MANY = 256  # channels from which "auto" predicts the scores of some
_TOLERANCE = 0.1  # of the map's deviation from equal weights, for "auto"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoreCAM(ChannelWeights):
    """Weight each channel by the score of the input seen through that channel alone.

    Each channel's map, brought to the input's size and to 0…1, multiplies the input; the softmax
    over channels of the scores are the weights. The baseline's score is the same in all of them and
    falls out of the softmax.

    top_k: None is the paper's: every channel is scored. A number scores the k channels with the
        strongest activation only. "auto" does as None below 256 channels; above, it scores as many
        as it takes to predict the others from their likeness, and a note says how many, and what
        error it expects (measured: up to four times that, the map's correlation never below .99).
    """

    name = "score_cam"
    title = "Score-CAM"
    reference = "wang2020scorecam"
    formula = "ReLU( Σ_k softmax_k( y(x ⊙ Â_k) ) · A_k ), Â_k enlarged and scaled to 0…1"
    use = "Where gradients are noisy or missing above the layer, and a smooth map is wanted."
    avoid = (
        "Where time counts: a pass per channel, unless `top_k` says how many. Masked inputs may "
        "be unlike any the net has seen."
    )

    top_k: int | Literal["auto"] | None = "auto"

    def __post_init__(self) -> None:
        valid = self.top_k in (None, "auto") or (isinstance(self.top_k, int) and self.top_k >= 1)
        check(valid, f"score_cam: top_k={self.top_k} must be at least 1, 'auto' or None")

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Two forward passes, for the scores and the maps, and one for each channel used."""
        used = channels if self.top_k in (None, "auto") else min(int(self.top_k), channels)
        return Passes(forward=2 + used, upper=self.top_k == "auto" and channels >= _MANY)

    def weigh(
        self, weigher: Weigher, name: str, place: Place, values: Array
    ) -> tuple[Array, list[str]]:
        """Return the softmax over channels of the scores, equation 4."""
        maps = place.maps(values, 1)
        masked = _Masked(weigher.model, weigher.x, name, place, maps)
        samples, channels = len(maps), maps.shape[-1]
        if self.top_k == "auto" and channels >= _MANY:
            return _searched(weigher, masked, maps)
        used = channels if self.top_k in (None, "auto") else min(int(self.top_k), channels)
        energy = np.abs(maps).reshape(samples, -1, channels).sum(axis=1)
        chosen = np.argsort(-energy, axis=1, kind="stable")[:, :used]
        asked = np.stack([np.repeat(np.arange(samples), used), chosen.ravel()], axis=1)
        scores = weigher.scores(asked, masked).reshape(samples, used, -1)
        weights = np.zeros((samples, len(weigher.targets), channels), np.float32)
        shares = np.swapaxes(softmax(scores, axis=1), 1, 2)
        np.put_along_axis(weights, chosen[:, None, :], shares, axis=2)
        if used == channels:
            return weights, []
        return weights, [f"score_cam used the {used} strongest of {channels} channels"]


def _searched(weigher: Weigher, masked: _Masked, maps: Array) -> tuple[Array, list[str]]:
    """Return weights of which some are predicted; every target is searched by itself."""
    samples, channels, targets = len(maps), maps.shape[-1], len(weigher.targets)
    rows = np.moveaxis(maps, -1, 1).reshape(samples, channels, -1)
    searches = [[ChannelSearch(row, _TOLERANCE) for _ in range(targets)] for row in rows]
    scores = np.zeros((samples, channels, targets), np.float32)
    scored = np.zeros((samples, channels), bool)
    while True:
        asked = np.zeros((samples, channels), bool)
        for i, row in enumerate(searches):
            for search in row:
                asked[i, search.ask()] = True
        if not asked.any():
            break
        new = np.argwhere(asked & ~scored)
        scores[tuple(new.T)] = weigher.scores(new, masked)
        scored |= asked
        for i, row in enumerate(searches):
            for k, search in enumerate(row):
                if len(search.ask()):
                    search.tell(scores[i, search.ask(), k])
    error = max(search.error for row in searches for search in row)
    note = (
        f"score_cam scored {int(scored.sum(axis=1).max())} of {channels} channels and predicted "
        f"the others: by its own estimate {error:.1%} of the map's deviation from equal weights "
        "are in doubt; top_k=None scores all"
    )
    weights = [[search.weights() for search in row] for row in searches]
    return np.array(weights, np.float32), [note]


class _Masked:
    """The input seen through channels: features multiplied by masks, by input name."""

    def __init__(
        self, model: Any, x: Mapping[str, Array], name: str, place: Place, maps: Array
    ) -> None:
        self.name, self.maps = name, maps
        self.feature = model.features(x)[name]
        shape = self.feature.shape[1:]
        axes = model.axes(name, shape)
        self.size = tuple(shape[axes.index(axis)] for axis in place.axes)
        # Axes that masks lack: channel, embedding, frames.
        own = enumerate(feature_axes(model, name, shape), 1)
        self.missing = tuple(i for i, axis in own if axis not in place.axes)

    def __call__(self, rows: Array, channels: Array) -> dict[Any, Array]:
        """Return the features of samples, each seen through a channel."""
        each = np.stack([self.maps[i, ..., k] for i, k in zip(rows, channels, strict=True)])
        masks = np.expand_dims(unit(linear(each, self.size)), self.missing)
        return {self.name: self.feature[rows] * masks}
