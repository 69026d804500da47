"""Regions of a segmentation as targets: what is predicted, masks, points, words, bad input."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import places_nets
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.studio.pieces import predictions_of
from kerascope.targets.found import AREAS, REGION


def explained(target: Any, samples: int = 2, **options: Any) -> ks.Attribution:
    case = places_nets.segmentation()
    x = case.x[:samples]
    return ks.explain(
        HookedModel(case.net, compiled=False), x, "gradient", target=target, **options
    )


def chances(samples: int = 2) -> np.ndarray:
    case = places_nets.segmentation()
    return keras.ops.convert_to_numpy(case.net(case.x[:samples]))


def test_area_is_the_mean_over_where_it_is_predicted() -> None:
    found, given = explained("area", score="probability"), chances()
    for i, name in enumerate(("tank", "truck")):
        where = given[i].argmax(axis=-1) == 1 + i
        assert np.isclose(found.scores[i], given[i][where][:, 1 + i].mean(), atol=1e-6)
        assert found.explained[i].startswith(f"mean probability of '{name}' over its predicted")
        assert np.array_equal(found.extras[REGION][i] > 0.5, where)
        assert np.array_equal(found.extras[AREAS][i], given[i].argmax(axis=-1))


def test_words_and_targets_name_the_same() -> None:
    pairs = (
        ("background@area", ks.Area("background")),
        ("area-2", ks.Area(rank=2)),
        ("rank-2", ks.Area(rank=2)),
        ("predicted", ks.Area()),
        ("truck@20,10", ks.Point((20, 10), "truck")),
        ("truck@50%,25%", ks.Point((24, 8), "truck")),
        ("@20,10", ks.Point((20, 10))),
        ("2@8,4,24,20", ks.Box((8, 4, 24, 20), 2)),
    )
    for words, target in pairs:
        one, two = explained(words), explained(target)
        assert one.explained == two.explained
        assert np.array_equal(one.values, two.values)
    assert explained("area-2").explained[0].startswith("mean logit of 'background'")
    assert len(explained("top-2").explained[0]) == 2


def test_point_is_one_pixel() -> None:
    found = explained("@20,10", score="probability")
    assert np.allclose(found.scores, chances()[:, 10, 20].max(axis=-1), atol=1e-6)
    assert found.explained[0].startswith("probability of 'background' at point (20, 10)")


def test_mask_of_the_input_size_is_brought_down_by_area() -> None:
    i = keras.Input((12, 16, 3))
    small = keras.layers.AveragePooling2D(4)(i)
    net = keras.Model(i, keras.layers.Conv2D(2, 1, activation="softmax")(small))
    x = np.random.default_rng(0).normal(0, 1, (1, 12, 16, 3)).astype("float32")
    mask = np.zeros((12, 16))
    mask[:4, :6] = 1  # one position and a half
    found = ks.explain(
        HookedModel(net, compiled=False), x, "gradient", target=ks.Mask(mask, 1),
        score="probability",
    )  # fmt: skip
    given = keras.ops.convert_to_numpy(net(x))[0, 0, :, 1]
    assert np.isclose(found.scores[0], (given[0] + given[1] / 2) / 1.5, atol=1e-6)


def test_one_value_per_position_parts_two_classes() -> None:
    i = keras.Input((8, 8, 3))
    net = keras.Model(i, keras.layers.Conv2D(1, 1, activation="sigmoid")(i))
    kernel = np.array([1.0, 0, 0], "float32").reshape(1, 1, 3, 1)
    net.layers[-1].set_weights([kernel, np.zeros(1, "float32")])
    remember(net, labels=("ground", "thing"))
    x = np.full((1, 8, 8, 3), -1.0, "float32")
    x[0, 2:4, 2:4] = 2.0
    view = HookedModel(net, compiled=False)
    found = ks.explain(view, x, "gradient", target="thing@area")
    assert np.isclose(found.scores[0], 2.0, atol=1e-5)
    assert found.explained[0].startswith("mean logit of 'thing'")
    other = ks.explain(view, x, "gradient", target="ground@area")
    assert np.isclose(other.scores[0], 1.0, atol=1e-5)  # the other side of a logit of −1
    assert (other.values[0, 0, 0] < 0).any()


def test_an_output_like_the_input_is_a_picture() -> None:
    """An autoencoder is no segmentation: it is explained as before."""
    i = keras.Input((8, 8, 3))
    net = keras.Model(i, keras.layers.Conv2D(3, 1, activation="sigmoid")(i))
    x = np.ones((1, 8, 8, 3), "float32")
    found = ks.explain(HookedModel(net, compiled=False), x, "gradient")
    assert AREAS not in found.extras
    assert "area" not in found.explained[0]


def test_only_background_is_explained_as_such() -> None:
    case = places_nets.segmentation()
    dark = np.zeros_like(case.x[:1])
    found = ks.explain(HookedModel(case.net, compiled=False), dark, "gradient")
    assert found.explained[0].startswith("mean logit of 'background' over its predicted area")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            ks.Mask(np.ones((5, 7)), 1),
            "mask size 5 × 7 is neither that of the model's input, 32 × 48",
        ),
        (ks.Mask(np.ones((3, 4, 5, 6)), 1), "it must be \\(32, 48\\)"),
        (ks.Mask(np.zeros((32, 48)), 1), "the mask of sample 0 is empty"),
        (ks.Mask(-np.ones((32, 48)), 1), "weights of 0 or more"),
        (ks.Mask(np.ones((32, 48)), 3), "class 3 is out of range: output 'classes' has 3 classes"),
        (ks.Mask(np.ones((32, 48)), "tnk"), "did you mean 'tank'"),
        ("truck@area", "'truck' is predicted nowhere in sample 0; predicted are 'background'"),
        ("area-3", "rank 3 is out of range: predicted in sample 0 are"),
        (ks.Area(rank=9), "ranks are 1 to 3"),
        ("@48,3", "point \\(48, 3\\) lies outside the model's input, 48 × 32 \\(width × height\\)"),
        ("@60,3,70,9", "box \\(60, 3, 70, 9\\) lies outside the model's input, 48 × 32"),
        ("tank@mask", "needs a mask: --mask FILE"),
        ("tank@somewhere", "place 'somewhere' in 'tank@somewhere' is not understood"),
        ("detection", "Detection needs outputs"),
    ],
)
def test_bad_regions(target: Any, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words):
        explained(target)


def test_a_region_needs_positions() -> None:
    i = keras.Input((4,))
    net = keras.Model(i, keras.layers.Dense(2)(i))
    with pytest.raises(ks.BadTarget, match="Area needs an output with positions"):
        ks.explain(net, np.ones((1, 4), "float32"), "gradient", target=ks.Area(1))


def test_predictions_alone_tell_of_areas_and_boxes() -> None:
    """What the studio says of a sample before anything is explained."""
    for kind, words in (
        ("segmentation", "areas: tank 12 %, background 88 %"),
        ("detection", "2 boxes: "),
    ):
        case = getattr(places_nets, kind)()
        view = HookedModel(case.net, compiled=False)
        outputs, _ = view.predict(view.read(case.x[:1]))
        (row,) = predictions_of(outputs, ["s0"], "m0", view.spec())
        assert row["verdict"].startswith(words)
        assert row["found"]["words"] == row["verdict"]
        assert all(bar["ask"] for bar in row["outputs"][0]["bars"])
