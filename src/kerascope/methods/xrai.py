"""XRAI, attribution through regions (Kapishnikov et al. 2019, algorithms 1 and 2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from kerascope.baselines import check_kind
from kerascope.errors import BadMethod
from kerascope.maskers import Masker, given, grid, number
from kerascope.method import AttributionMethod, Axiom, Data, Need, Passes, RawMap, check
from kerascope.methods.integrated_gradients import IntegratedGradients
from kerascope.perturb import spatial_size
from kerascope.run import Run
from kerascope.types import Array

# Felzenszwalb's parameters in the authors' code, for pictures of this size with values of −1 to 1.
_SIDE = 224
_SCALES = (50, 100, 150, 250, 500, 1200)
_SIGMA, _LEAST = 0.8, 150
_COUNTS = (8, 16, 32, 64)  # segments of what is no picture


@dataclasses.dataclass(frozen=True, kw_only=True)
class XRAI(AttributionMethod):
    """How dense the integrated gradients are in the region by which a position was added.

    Segments join one after the other, the one first whose new positions have the highest mean
    attribution. Of channels the largest attribution counts, as in the authors' code.

    steps: gradients on each path, at first; see integrated gradients, also for the baselines.
    baselines: the integrated gradients from each are averaged; "min" and "max" are the paper's
        black and white.
    segments: "auto" cuts pictures by Felzenszwalb's method at six scales, as the authors do, and
        everything else on four grids of 8 to 64 cells, tokens and columns one by one; or one cut as
        for LIME: "slic-100", "grid", a number, labels; or truth values (segment, *size), which may
        overlap.
    algorithm: "fast" sorts the segments once, by their density as a whole.
    dilation: by how many positions the segments of "auto" grow, in a picture of 224 × 224.
    smallest: share of all positions that a segment must add; the authors' 50 of 224 × 224.

    Positions that no segment adds have their mean attribution. `extras["order"]` counts regions
    from 1, the densest; `extras["integrated_gradients"]` is what was ranked.
    """

    name = "xrai"
    title = "XRAI"
    reference = "kapishnikov2019xrai"
    formula = "regions by mean integrated gradients, the densest added first"
    use = "Whole regions instead of grains, ranked by how much integrated gradients they hold."
    avoid = (
        "Where the evidence is finer than any segment; several segmentations cost seconds on "
        "large pictures."
    )
    needs: ClassVar[frozenset[Need]] = frozenset({Need.GRADIENTS})
    axioms: ClassVar[frozenset[Axiom]] = frozenset(
        {Axiom.CLASS_SENSITIVITY, Axiom.IMPLEMENTATION_INVARIANCE}
    )

    steps: int = 32
    baselines: tuple[float | str | Data, ...] = ("min", "max")
    segments: int | str | Data = "auto"
    algorithm: Literal["full", "fast"] = "full"
    dilation: int = 5
    smallest: float = 50 / _SIDE**2

    def __post_init__(self) -> None:
        check(self.steps >= 1, f"xrai: steps={self.steps} must be at least 1")
        check(
            isinstance(self.baselines, tuple) and len(self.baselines) > 0,
            f"xrai: baselines={self.baselines!r} must be one or several, as in ('min', 'max')",
        )
        for baseline in self.baselines:
            check_kind(baseline)
        if not isinstance(self.segments, Data):
            kind = Masker.parse(self.segments).kind
            check(
                kind != "channel", "xrai: segments='channel' has no places; take 'grid' or a number"
            )
        check(
            self.algorithm in ("full", "fast"),
            f"xrai: algorithm='{self.algorithm}' is not one of full, fast",
        )
        check(self.dilation >= 0, f"xrai: dilation={self.dilation} must be at least 0")
        check(0 <= self.smallest < 1, f"xrai: smallest={self.smallest} must be from 0 to below 1")

    def _paths(self) -> list[IntegratedGradients]:
        return [IntegratedGradients(steps=self.steps, baseline=b) for b in self.baselines]

    def passes(
        self,
        shape: Mapping[str, tuple[int, ...]],
        targets: int = 1,
        channels: int = 1,
    ) -> Passes:
        """Those of integrated gradients, from every baseline."""
        each = [path.passes(shape, targets, channels) for path in self._paths()]
        return Passes(
            1 + sum(one.forward - 1 for one in each),
            sum(one.gradient for one in each),
            sum(one.backward for one in each),
            upper=True,
        )

    def attribute(self, model: Any, x: Any, targets: Any, run: Run) -> RawMap:
        """Return the density of each position's region."""
        raws = [path.attribute(model, x, targets, run) for path in self._paths()]
        found = RawMap({}, {}, notes=list(dict.fromkeys(n for raw in raws for n in raw.notes)))
        for name, array in x.items():
            axes = raws[0].axes[name]
            values = np.stack([raw.values[name] for raw in raws]).mean(axis=0, dtype=np.float64)
            if "channel" in axes:
                values = values.max(axis=axes.index("channel"))
            cut = self._cut(model, name, array)
            density, order = np.zeros(values.shape, np.float32), np.zeros(values.shape, np.int32)
            for place in np.ndindex(values.shape[:2]):
                density[place], order[place] = self._rank(values[place], cut[place[0]])
            found.values[name] = density
            found.axes[name] = tuple(axis for axis in axes if axis != "channel")
            key = "" if len(x) == 1 else f":{name}"
            found.target_extras[f"order{key}"] = order
            found.target_extras[f"integrated_gradients{key}"] = values.astype(np.float32)
        return found

    def _cut(self, model: Any, name: str, array: Array) -> list[Array]:
        """Return the segments of every sample of an input: (segment, *size) truth values."""
        size, axes = spatial_size(model, name, array), model.axes(name, array.shape[1:])
        if isinstance(self.segments, Data):
            masks = self.segments.array
            if masks.dtype == np.bool_ and masks.shape[1:] == size and len(masks):
                return [masks] * len(array)
            if masks.dtype == np.bool_:
                raise BadMethod(
                    f"xrai: segments of truth values have shape {masks.shape}; they must be "
                    f"(segment, {', '.join(map(str, size))})"
                )
            return [_masks(labels) for labels in given(masks, len(array), size)]
        masker = Masker.parse(self.segments)
        if masker != Masker() or axes in (("feature",), ("token",)):
            return [_masks(masker.segment(sample, axes)) for sample in array]
        if len(size) == 2:
            pictures = np.moveaxis(array, axes.index("channel") + 1, -1)
            return [_superpixels(picture, self.dilation) for picture in pictures]
        cells = [_masks(grid(size, count)) for count in _COUNTS]
        return [np.concatenate(cells)] * len(array)

    def _rank(self, attribution: Array, segments: Array) -> tuple[Array, Array]:
        """Return density and order of every position, both of the attribution's shape."""
        values, masks = attribution.reshape(-1), segments.reshape(len(segments), -1)
        least = max(1, round(self.smallest * values.size))
        add = _one_by_one if self.algorithm == "full" else _sorted_once
        regions = add(values, masks, least)
        regions.sort(key=lambda region: -values[region].mean())
        left = np.ones(values.size, bool)
        for region in regions:
            left[region] = False
        if left.any():
            regions.append(np.flatnonzero(left))
        density, order = np.zeros(values.size), np.zeros(values.size, np.int32)
        for place, region in enumerate(regions, 1):
            density[region], order[region] = values[region].mean(), place
        return density.reshape(attribution.shape), order.reshape(attribution.shape)


def _one_by_one(values: Array, masks: Array, least: int) -> list[Array]:
    """Algorithm 2: add the segment whose new positions are densest, until none adds enough.

    Every position is taken out of the segments' sums only once, when it is added.
    """
    counts, sums = masks.sum(axis=1), masks @ values
    free, regions = np.ones(values.size, bool), list[Array]()
    while (counts >= least).any():
        density = np.where(counts >= least, sums / np.maximum(counts, 1), -np.inf)
        region = np.flatnonzero(masks[np.argmax(density)] & free)
        regions.append(region)
        free[region] = False
        added = masks[:, region]
        counts = counts - added.sum(axis=1)
        sums = sums - added @ values[region]
    return regions


def _sorted_once(values: Array, masks: Array, least: int) -> list[Array]:
    """Add the segments by their density as a whole, whatever they share with those before."""
    density = masks @ values / np.maximum(masks.sum(axis=1), 1)
    free, regions = np.ones(values.size, bool), list[Array]()
    for segment in np.argsort(-density, kind="stable"):
        region = np.flatnonzero(masks[segment] & free)
        if len(region) >= least:
            regions.append(region)
            free[region] = False
    return regions


def _masks(labels: Array) -> Array:
    """Return each label's positions: (label, *size) truth values."""
    return np.arange(labels.max() + 1).reshape(-1, *(1,) * labels.ndim) == labels


def _superpixels(picture: Array, dilation: int) -> Array:
    """Return Felzenszwalb's segments at all scales, grown to hold the edges: (segment, y, x)."""
    from skimage import morphology, segmentation, transform

    size = picture.shape[:2]
    # It warns where there are not three channels: their mean says as much.
    colours = picture if picture.shape[-1] == 3 else picture.mean(axis=-1, keepdims=True)
    low, span = colours.min(), float(np.ptp(colours))
    unit = (colours.astype(np.float64) - low) / (span or 1.0) * 2 - 1
    # "edge", where the authors pad with zeros: that frames what is not 224 × 224 already.
    square = transform.resize(
        unit, (_SIDE, _SIDE), order=3, mode="edge", preserve_range=True, anti_aliasing=True
    )
    masks = []
    for scale in _SCALES:
        labels = segmentation.felzenszwalb(square, scale=scale, sigma=_SIGMA, min_size=_LEAST)
        labels = transform.resize(
            labels, size, order=0, mode="constant", preserve_range=True, anti_aliasing=False
        )
        masks.append(_masks(number(labels.astype(int))))
    radius = round(dilation * (size[0] * size[1]) ** 0.5 / _SIDE)
    disk = morphology.disk(radius)
    return np.stack([morphology.dilation(mask, disk) for mask in np.concatenate(masks)])
