"""Assertions for a model's own tests: it is right, and for the right reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerascope.attribution import Attribution
from kerascope.errors import BadInput
from kerascope.metrics.masks import masks_of
from kerascope.types import Array


def assert_looks_at(
    attribution: Attribution,
    mask: Any = None,
    share: float = 0.6,
    *,
    boxes: Any = None,
    at_least: float = 1.0,
) -> None:
    """Assert that what speaks for the score lies inside a region.

        def test_the_tank_is_why():
            result = ks.explain(model, pictures, "layer_cam", target="tank")
            assert_looks_at(result, masks, share=0.6)

    Args:
        attribution: of one target and one input.
        mask: true where the object is: (sample, *spatial) at the input's size, or (*spatial) for
            all samples.
        share: least share of the positive values inside, above 0 and up to 1.
        boxes: instead of a mask, (x0, y0, x1, y1) in input pixels for every sample.
        at_least: share of the samples for which this must hold.

    Raises:
        AssertionError: it does not hold; names the samples and where their evidence lies instead.
        BadInput: a mask that does not fit, is empty or covers everything, or several targets.
    """
    maps = attribution.single_map()
    inside = _region(mask, boxes, maps)
    if not 0 < share <= 1 or not 0 < at_least <= 1:
        raise BadInput(f"share={share} and at_least={at_least} must be above 0 and at most 1")
    positive = np.maximum(maps, 0).reshape(len(maps), -1).astype(np.float64)
    total = positive.sum(axis=1)
    found = (positive * inside.reshape(len(maps), -1)).sum(axis=1) / np.where(total > 0, total, 1)
    good = (total > 0) & (found >= share)
    if good.mean() >= at_least:
        return
    names = attribution.names or tuple(f"sample {i}" for i in range(len(maps)))
    lines = [
        _line(names[i], attribution.explained[i], found[i], total[i], inside[i])
        for i in np.flatnonzero(~good)
    ]
    raise AssertionError(
        f"{attribution.method.name} finds at least {share:.0%} of what speaks for the score inside "
        f"the region for {good.sum()} of {len(maps)} samples, fewer than {at_least:.0%}:\n"
        + "\n".join(lines)
    )


def _region(mask: Any, boxes: Any, maps: Array) -> Array:
    """Return (sample, *spatial) truth values; raise `BadInput` for a region that tells nothing."""
    if mask is not None and np.shape(mask) == maps.shape[1:]:
        mask = np.repeat(np.asarray(mask)[None], len(maps), axis=0)
    inside = masks_of(mask, boxes, maps.shape[1:], len(maps))
    if inside is None:
        raise BadInput("where the model should look is not given: mask= or boxes=")
    flat = inside.reshape(len(inside), -1)
    for what, bad in (("is empty", ~flat.any(axis=1)), ("covers everything", flat.all(axis=1))):
        if bad.any():
            raise BadInput(f"the region of sample {int(np.flatnonzero(bad)[0])} {what}")
    return inside


def _line(name: str, words: str, found: float, total: float, inside: Array) -> str:
    if total <= 0:
        return f"  {name}: {words}: nothing speaks for it in this map"
    return f"  {name}: {words}: {found:.0%} inside, which covers {inside.mean():.0%} of the input"
