"""D-RISE: the similarity of detections, and where a hand-made detector looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kerascope as ks
import oracles_masks
import oracles_rise
from kerascope.hooks import HookedModel

Array = np.ndarray
SIZE = (12, 16)
REGION = (slice(2, 6), slice(9, 14))  # what the first box is read from


class Detector(keras.Model):
    """Three boxes; the first is as wide as the region is bright, the second does not move."""

    def call(self, x: Any) -> dict[str, Any]:
        light = ops.mean(x[:, REGION[0], REGION[1]], axis=(1, 2, 3))
        zero = ops.zeros_like(light)
        first = ops.stack([zero + 9.0, zero + 2.0, 9.0 + 5.0 * light, zero + 6.0], axis=1)
        still = ops.stack([zero, zero + 6.0, zero + 8.0, zero + 12.0], axis=1)
        small = ops.stack([zero, zero, zero + 1.0, zero + 1.0], axis=1)
        kinds = ops.convert_to_tensor([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], "float32")
        return {
            "boxes": ops.stack([first, still, small], axis=1),
            "probabilities": zero[:, None, None] + kinds[None],
            "scores": ops.stack([0.6 + zero, 0.9 + zero, 0.1 + zero], axis=1),
        }


def detector() -> HookedModel:
    model = Detector()
    model(PICTURES)
    return HookedModel(model, compiled=False)


PICTURES = np.random.default_rng(2).uniform(0.5, 1.0, (2, *SIZE, 3)).astype(np.float32)
MASKS: dict[str, Any] = {"masks": 160, "cell": (3, 4), "probability": 0.5}


def as_numpy(outputs: Mapping[str, Any]) -> dict[str, Array]:
    return {name: np.asarray(ops.convert_to_numpy(value)) for name, value in outputs.items()}


@pytest.mark.parametrize("name", ["d_rise"])
def test_paper(name: str) -> None:
    """Σ S(d, f(I ⊙ M))·M / (N·p), the similarity being that of the paper."""
    found = ks.explain(
        detector(), PICTURES, name, target=ks.Detection(0), estimator="paper", **MASKS
    )
    masks = oracles_rise.drawn(MASKS["masks"], SIZE, MASKS["cell"], 0.5)
    expected = np.zeros((2, *SIZE))
    for i, picture in enumerate(PICTURES):
        raw = as_numpy(Detector()(picture[None]))
        one = {"box": raw["boxes"][0, 0], "kind": raw["probabilities"][0, 0]}
        covered = as_numpy(Detector()((picture * masks[..., None]).astype(np.float32)))
        for mask, *rest in zip(masks, *covered.values(), strict=True):
            named = dict(zip(covered, rest, strict=True))
            score = oracles_masks.similarity(
                one, named["boxes"], named["probabilities"], named["scores"]
            )
            expected[i] += score * mask / (0.5 * len(masks))
    assert np.abs(found.values - expected).max() <= 1e-5 * np.abs(expected).max()


def test_box_hangs_on_its_region() -> None:
    """IoU is linear in the light of the region: so is the map, positive there, zero far off."""
    found = ks.explain(
        detector(), PICTURES, "d_rise", target=ks.Detection(0), masks=400, cell=1, seed=1
    )
    values, error = found.values, found.extras["standard_error"]
    inside = np.zeros(SIZE, bool)
    inside[REGION] = True
    assert (values[:, inside].mean(axis=1) > 10 * np.abs(values[:, ~inside].mean(axis=1))).all()
    light = PICTURES[:, inside].mean(axis=-1)
    # Own closed form: covering a position takes its share of the box's width; p is one half.
    expected = 0.6 * 0.5 * light / light.sum(axis=1, keepdims=True)
    far = np.abs(values[:, inside] - expected) / np.maximum(error[:, inside], 1e-6)
    assert np.median(far) < 2
    assert np.abs(values[:, inside].sum(axis=1) - expected.sum(axis=1)).max() < 0.05


def test_unmoved_box_has_an_empty_map() -> None:
    """The second box hangs on nothing: its similarity is 0.9 whatever is shown."""
    found = ks.explain(
        detector(), PICTURES, "d_rise", target=ks.Detection(1), masks=40, cell=(3, 4)
    )
    assert np.allclose(found.scores, 0.9, atol=1e-6)
    assert np.abs(found.values).max() < 1e-6


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (ks.Detection(), 1),
        (ks.Detection(rank=2), 0),
        (ks.Detection(class_=1), 0),
        (ks.Detection(class_=1, rank=2), 1),
        (ks.Detection(2), 2),
    ],
)
def test_choice(target: ks.Detection, place: int) -> None:
    found = ks.explain(detector(), PICTURES, "d_rise", target=target, masks=4)
    assert f"box {place} of class" in found.explained[0]
    assert np.allclose(found.scores, [0.6, 0.9, 0.1][place], atol=1e-5)


def test_plain_function_and_any_method_that_needs_scores() -> None:
    """The same detector without gradients; class numbers in place of probabilities."""

    def function(batch: Array) -> dict[str, Array]:
        raw = as_numpy(Detector()(batch))
        return {
            "boxes": raw["boxes"],
            "classes": raw["probabilities"].argmax(axis=-1),
            "scores": raw["scores"],
        }

    found = ks.explain(function, PICTURES, "d_rise", target=ks.Detection(0), **MASKS)
    ours = ks.explain(detector(), PICTURES, "d_rise", target=ks.Detection(0), **MASKS)
    assert "box 0 of class 1" in found.explained[0]
    assert np.abs(found.values - ours.values).max() <= 1e-5 * np.abs(ours.values).max()
    drop = ks.explain(
        function, PICTURES, "occlusion", target=ks.Detection(class_=1), patch=(4, 5), stride=(2, 3),
        baseline=0.0,
    ).heatmap()  # fmt: skip
    assert all(drop[i, 3, 11] > 0 and drop[i, 10, 2] == 0 for i in range(2))


def test_gradients_of_a_detection() -> None:
    """Of a smaller box: the similarity to the whole one grows with the light of the region."""
    target = ks.Detection(0, by="similarity")
    contrast = ks.explain(detector(), PICTURES, "integrated_gradients", target=target)
    outside = contrast.values.copy()
    outside[:, REGION[0], REGION[1]] = 0
    assert np.abs(outside).max() == 0
    assert np.allclose(contrast.values.sum(axis=(1, 2, 3)), 0.6, atol=0.02)


def test_surest_detection_is_the_default() -> None:
    surest = ks.explain(detector(), PICTURES, "d_rise", target=ks.Detection(), **MASKS)
    for target in (None, "detection", "detection-1"):
        found = ks.explain(detector(), PICTURES, "d_rise", target=target, **MASKS)
        assert found.explained == surest.explained
        assert np.array_equal(found.values, surest.values)
    second = ks.explain(detector(), PICTURES, "d_rise", target="detection-2", **MASKS)
    assert second.explained != surest.explained


def test_another_target_is_noted() -> None:
    found = ks.explain(lambda x: x.mean(axis=(1, 2)), PICTURES, "d_rise", masks=8, target=1)
    assert any("not a detection" in note and "Detection(0)" in note for note in found.notes)


def outputs(**arrays: Array) -> Any:
    return lambda batch: {name: np.repeat(one[None], len(batch), 0) for name, one in arrays.items()}


BOX = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3]])


@pytest.mark.parametrize(
    ("arrays", "target", "words"),
    [
        ({"scores": np.ones(3)}, ks.Detection(), "needs outputs 'boxes'"),
        ({"boxes": BOX}, ks.Detection(), "needs outputs 'boxes'"),
        ({"boxes": BOX, "a": np.ones(2), "b": np.ones(2)}, ks.Detection(), "needs outputs"),
        ({"boxes": BOX, "scores": np.ones(2)}, ks.Detection(2), "2 boxes, 0 to 1"),
        ({"boxes": BOX, "scores": np.ones(2)}, ks.Detection(rank=3), "ranks are 1 to 2"),
        ({"boxes": BOX, "scores": np.ones(2)}, ks.Detection(class_=0), "gives no classes"),
        ({"boxes": BOX, "scores": np.ones((2, 3))}, ks.Detection(class_=3), "there are 3, 0 to 2"),
        ({"boxes": BOX[:, ::-1], "scores": np.ones(2)}, ks.Detection(), "no such detection"),
        ({"boxes": BOX, "scores": np.zeros(2)}, ks.Detection(), "sureness 0"),
    ],
)
def test_bad_detections(arrays: dict[str, Array], target: ks.Detection, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words):
        ks.explain(outputs(**arrays), PICTURES, "d_rise", target=target, masks=4)
