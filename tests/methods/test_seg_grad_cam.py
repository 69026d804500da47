"""Seg-Grad-CAM: its paper in NumPy, the planted lamp, and what regions are explained."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import places_nets
from kerascope.hooks import HookedModel

Array = np.ndarray


def view() -> HookedModel:
    return HookedModel(places_nets.segmentation().net, compiled=False)


# --- the paper, in NumPy: every layer above the bottleneck, and differences for its gradient ------


def weights() -> dict[str, tuple[Array, Array]]:
    net = places_nets.segmentation().net
    return {
        layer.name: tuple(np.asarray(v.numpy(), np.float64) for v in layer.weights)
        for layer in net.layers
        if layer.weights
    }


def dense(x: Array, pair: tuple[Array, Array]) -> Array:
    return x @ pair[0][0, 0] + pair[1]


def halved(x: Array) -> Array:
    return (x[0::2, 0::2] + x[1::2, 0::2] + x[0::2, 1::2] + x[1::2, 1::2]) / 4


def below(picture: Array, w: Any) -> tuple[Array, Array]:
    """Return the colours and the bottleneck's maps A."""
    colours = np.maximum(dense(picture.astype(np.float64), w["colours"]), 0)
    low = halved(halved(halved(colours)))
    return colours, np.maximum(dense(low, w["bottleneck"]), 0)


def logits(colours: Array, maps: Array, w: Any) -> Array:
    whole = np.broadcast_to(maps.mean(axis=(0, 1)), (*colours.shape[:2], maps.shape[-1]))
    both = np.maximum(dense(np.concatenate([colours, whole], axis=-1), w["both"]), 0)
    return dense(both, w["classes"])


def seg_grad_cam(picture: Array, region: Array, k: int) -> Array:
    """Σ_k α_k A^k with α_k = 1/N Σ_uv ∂(Σ_{(i,j) ∈ M} y_ij) / ∂A^k_uv: equation 2, no ReLU."""
    w = weights()
    colours, maps = below(picture, w)
    slopes = np.zeros_like(maps)
    for place in np.ndindex(*maps.shape):
        step = np.zeros_like(maps)
        step[place] = 1e-6
        up, down = (logits(colours, maps + s * step, w)[..., k][region].sum() for s in (1, -1))
        slopes[place] = (up - down) / 2e-6
    return (slopes.mean(axis=(0, 1)) * maps).sum(axis=-1)


@pytest.mark.parametrize("name", ["seg_grad_cam"])
def test_paper(name: str) -> None:
    """With the mean over the region, it is the paper's map divided by the region's size."""
    case = places_nets.segmentation()
    regions = case.classes[:3] > 0
    found = ks.explain(view(), case.x[:3], name, target=ks.Mask(regions, "tank"))
    assert found.layer == "bottleneck"
    for picture, region, signed in zip(case.x, regions, found.extras["signed"], strict=False):
        wanted = seg_grad_cam(picture, region, 1) / region.sum()
        assert np.abs(signed - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_region_of_everything_is_grad_cam() -> None:
    case = places_nets.segmentation()
    everything = ks.Mask(np.ones((32, 48)), "tank")
    region = ks.explain(view(), case.x[:2], "seg_grad_cam", target=everything)
    plain = ks.explain(view(), case.x[:2], "seg_grad_cam", target="tank")
    assert np.allclose(region.extras["signed"], plain.extras["signed"], rtol=1e-4, atol=1e-7)
    assert any("of no region, so this is Grad-CAM" in note for note in plain.notes)
    assert not any("Grad-CAM;" in note for note in region.notes)


def test_default_method_finds_the_planted_lamp() -> None:
    """Nothing in the block tells its class: the evidence lies on the lamp, 1.6 % of the image."""
    case = places_nets.segmentation()
    found = ks.explain(case.net, case.x)
    assert found.method.name == "seg_grad_cam"
    said = keras.ops.convert_to_numpy(case.net(case.x)).argmax(axis=-1)
    assert (said == case.classes).all()
    names = ["tank" if i % 2 == 0 else "truck" for i in range(len(case.x))]
    words = [f"mean logit of '{name}' over its predicted area" for name in names]
    assert [one.rpartition(" (")[0] for one in found.explained] == words
    # A map of 4 × 6 cells of 8 pixels, drawn smoothly: the lamp's 5 pixels lie in one or two.
    peaks = [np.unravel_index(one.argmax(), one.shape) for one in found.heatmap()]
    near = [np.abs(np.argwhere(lamp) - peak).max(axis=1).min() for lamp, peak in
            zip(case.lamps, peaks, strict=True)]  # fmt: skip
    assert max(near) <= 4
    assert case.on(case.lamps, found).mean() > 5 * case.lamps.mean()
    assert case.on(case.classes > 0, found).mean() < 0.1
    slopes = ks.explain(case.net, case.x, "integrated_gradients", target="area", steps=16)
    lit = np.abs(slopes.heatmap()) * case.lamps
    assert (lit.sum(axis=(1, 2)) > 0).all()


def test_note_says_what_was_explained() -> None:
    case = places_nets.segmentation()
    found = ks.explain(view(), case.x[:1])
    assert any("largest predicted area but 'background'" in note for note in found.notes)
    asked = ks.explain(view(), case.x[:1], target="tank@area")
    assert not any("largest predicted area" in note for note in asked.notes)
    assert np.array_equal(found.values, asked.values)


def test_the_layer_does_not_hang_on_the_region() -> None:
    """Behind a small region every unit may be dead in one picture."""
    found = places_nets.segmentation()
    height, width = found.x.shape[1:3]
    layers = set()
    for place in ((0, 0), (0, width - 4), (height - 4, 0), (height // 2, width // 2)):
        mask = np.zeros((height, width), "float32")
        mask[place[0] : place[0] + 4, place[1] : place[1] + 4] = 1
        for class_ in (0, 1):
            target = ks.Mask(mask, class_)
            view = HookedModel(keras.models.clone_model(found.net), compiled=False)
            view.model.set_weights(found.net.get_weights())
            layers.add(ks.explain(view, found.x[:1], "grad_cam", target=target).layer)
    assert layers == {"bottleneck"}
