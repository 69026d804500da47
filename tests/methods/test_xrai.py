"""XRAI: the ranking of regions, its segments, and where the densest region lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import oracles_masks
import zoo
from kerascope.hooks import HookedModel
from kerascope.methods.xrai import XRAI

Array = np.ndarray


@pytest.mark.parametrize("name", ["xrai"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


@pytest.mark.parametrize("algorithm", ["full", "fast"])
def test_ranking(algorithm: str) -> None:
    """On random maps and random overlapping segments, those that add too little among them."""
    rng = np.random.default_rng(1)
    rank = oracles_masks.regions if algorithm == "full" else oracles_masks.regions_at_once
    for _ in range(5):
        attribution = rng.normal(size=(9, 12))
        masks = rng.random((20, 9, 12)) < rng.uniform(0.02, 0.3, (20, 1, 1))
        method = XRAI(algorithm=algorithm, smallest=4 / 108)
        density, order = method._rank(attribution, masks)
        assert np.allclose(density, rank(attribution, list(masks), 4), atol=1e-12)
        assert np.isclose(density.sum(), attribution.sum())
        assert set(np.unique(order)) == set(range(1, order.max() + 1))


def test_disjoint_segments_have_their_mean_attribution() -> None:
    """And the order is that of their means; the integrated gradients are those of the method."""
    labels = np.arange(108).reshape(9, 12) // 27
    found = checks.explain("smooth", "xrai", segments=labels)
    pixels = found.extras["integrated_gradients"]
    two = [checks.explain("smooth", "integrated_gradients", baseline=b) for b in ("min", "max")]
    whole = ((two[0].values + two[1].values) / 2).max(axis=-1)
    checks.check_equal(pixels, whole)
    means = np.stack([[one[labels == k].mean() for k in range(4)] for one in pixels])
    checks.check_equal(found.values, means[:, labels])
    places = (-means).argsort(axis=1).argsort(axis=1) + 1
    assert np.array_equal(found.extras["order"], places[:, labels])


def test_truth_values_may_overlap() -> None:
    masks = oracles_masks.tiles()
    found = checks.explain("smooth", "xrai", segments=masks, smallest=0.02)
    alone = checks.explain("smooth", "xrai", segments=masks[:1], smallest=0.02)
    assert len(np.unique(alone.values[0])) == 2
    assert len(np.unique(found.values[0])) > 5


def _pooled() -> Any:
    import keras

    i = keras.Input((64, 64, 3), name="input")
    return keras.Model(i, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(i)))


def test_constant_picture_has_a_flat_map() -> None:
    """One segment, nothing to rank: no error, and what there is to say is said by the map."""
    found = ks.explain(_pooled(), np.full((1, 64, 64, 3), 0.5, np.float32), "xrai", steps=2)
    assert np.ptp(found.values) == 0


@pytest.mark.parametrize("shape", ["flat_functional", "grey", "image_and_vector", "series_conv"])
def test_defaults_on_small_inputs(shape: str) -> None:
    case = zoo.SHAPES[shape]()
    found = ks.explain(HookedModel(case.model), case.x, "xrai", steps=3)
    maps = found.values if isinstance(found.values, dict) else {"": found.values}
    for values in maps.values():
        assert np.isfinite(values).all()
        assert len(np.unique(values[0])) > 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 0}, "at least 1"),
        ({"baselines": ()}, "one or several"),
        ({"baselines": ("black",)}, "not known"),
        ({"segments": "cells"}, "not known"),
        ({"algorithm": "slow"}, "full, fast"),
        ({"dilation": -1}, "at least 0"),
        ({"smallest": 1.0}, "below 1"),
        ({"segments": np.ones((3, 5, 5), bool)}, r"\(segment, 9, 12\)"),
        ({"segments": np.zeros((9, 12), int)}, "one label"),
    ],
)
def test_bad_fields(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        checks.explain("smooth", "xrai", **fields)
