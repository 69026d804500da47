"""Targets: every way to say what is explained, and every way to say it wrong."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kerascope as ks
import zoo
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.plot.words import subject


def explained(shape: str, target: Any, **options: Any) -> ks.Attribution:
    case = zoo.SHAPES[shape]()
    labels = options.pop("labels", None)
    if labels:
        remember(case.model, labels=tuple(labels))
    method = options.pop("method", "gradient")
    return ks.explain(
        HookedModel(case.model, compiled=False), case.x, method, target=target, **options
    )


NAMES = ("cat", "dog", "tank")


def test_predicted_index_name_and_rank_agree() -> None:
    predicted = explained("flat_functional", None, labels=NAMES)
    top = predicted.predictions.argmax(axis=1)
    by_index = explained("flat_functional", [int(k) for k in top])
    by_name = explained("flat_functional", [NAMES[k] for k in top], labels=NAMES)
    by_rank = explained("flat_functional", "rank-1")
    for other in (by_index, by_name, by_rank, explained("flat_functional", "predicted")):
        assert np.allclose(predicted.values, other.values, atol=1e-6)
    assert predicted.explained[0].startswith(f"logit of '{NAMES[top[0]]}' (")


def test_top_k_is_ranked_and_shares_the_forward_pass() -> None:
    result = explained("flat_functional", "top-3")
    assert result.values.shape[:2] == (2, 3)
    assert (np.diff(result.scores, axis=1) <= 0).all()
    assert len(result.explained[0]) == 3
    assert np.allclose(explained("flat_functional", ks.Top(3)).values, result.values)
    second = explained("flat_functional", "rank-2")
    assert np.allclose(second.values, result.values[:, 1], atol=1e-6)


def test_a_tuple_is_several_and_a_list_is_per_sample() -> None:
    several = explained("flat_functional", (0, "rank-1", 2))
    assert several.values.shape[1] == 3
    mixed = explained("flat_functional", [2, "rank-1"])
    assert np.allclose(mixed.values[0], several.values[0, 2], atol=1e-6)
    assert np.allclose(mixed.values[1], several.values[1, 1], atol=1e-6)


def test_contrast_is_the_difference() -> None:
    contrast = explained("flat_functional", ks.Contrast(0, 2))
    both = explained("flat_functional", (0, 2))
    assert np.allclose(contrast.values, both.values[:, 0] - both.values[:, 1], atol=1e-5)
    assert "minus" in contrast.explained[0]
    words = explained("flat_functional", "cat vs tank", labels=NAMES)
    assert np.allclose(words.values, contrast.values)


def test_a_contrast_may_be_of_one_class_in_some_samples() -> None:
    part = explained("flat_functional", ks.Contrast([0, 1], 1))
    assert np.abs(part.values[0]).max() > 0
    assert not part.values[1].any()


def test_probability_and_logit_differ_and_say_so() -> None:
    logit, chance = (explained("softmax_layer", 1, score=s) for s in ("logit", "probability"))
    assert np.allclose(chance.scores, chance.predictions[:, 1], atol=1e-6)
    assert logit.explained[0].startswith("logit of class 1 (")
    assert chance.explained[0].startswith("probability of class 1 (")
    assert not np.allclose(logit.values, chance.values)


def test_a_single_sigmoid_unit_has_two_sides() -> None:
    for score in ("logit", "probability"):
        one, zero = (explained("single_sigmoid", k, score=score) for k in (1, 0))
        assert np.allclose(one.values, -zero.values, atol=1e-6)
    assert np.allclose(one.scores + zero.scores, 1, atol=1e-6)
    predicted = explained("single_sigmoid", None, labels=("no", "yes"))
    for words, chance in zip(predicted.explained, predicted.predictions[:, 0], strict=True):
        assert ("'yes'" if chance > 0.5 else "'no'") in words
    both = explained("single_sigmoid", "top-2")
    assert np.allclose(both.values[:, 0], -both.values[:, 1], atol=1e-6)


def test_regression() -> None:
    higher = explained("regression_head", None)
    assert np.allclose(higher.scores, higher.predictions[:, 0], atol=1e-6)
    lower = explained("regression_head", ks.Regression(direction=-1))
    assert np.allclose(higher.values, -lower.values, atol=1e-6)
    with pytest.raises(ks.BadTarget, match="single value"):
        explained("regression_head", 1)


def test_named_outputs() -> None:
    size = explained("two_outputs", ks.Output("size"))
    assert np.allclose(size.scores, size.predictions["size"][:, 0], atol=1e-6)
    kind = explained("two_outputs", ks.Output("kind", 1))
    assert "output 'kind'" in kind.explained[0]
    assert np.allclose(kind.values, explained("two_outputs", "kind:1").values)
    with pytest.raises(ks.BadTarget, match="'size'"):
        explained("two_outputs", ks.Output("siez", 0))


def test_neuron() -> None:
    result = explained("flat_functional", ks.Neuron("conv2", 3))
    case = zoo.SHAPES["flat_functional"]()
    view = HookedModel(case.model, compiled=False)
    acts = view.activations(view.read(case.x), ["conv2"])[view.site("conv2")]
    assert np.allclose(result.scores, acts[..., 3].mean(axis=(1, 2)), atol=1e-6)
    at = explained("flat_functional", ks.Neuron("conv2", 3, position=(1, 2)))
    assert np.allclose(at.scores, acts[:, 1, 2, 3], atol=1e-6)
    with pytest.raises(ks.BadTarget, match="0 to 4"):
        explained("flat_functional", ks.Neuron("conv2", 5))
    with pytest.raises(ks.BadTarget, match="position"):
        explained("flat_functional", ks.Neuron("conv2", 0, position=(50, 0)))


def test_any_function_of_the_outputs() -> None:
    def spread(outputs: Any) -> Any:
        return outputs[:, 0] - ops.mean(outputs, axis=-1)

    result = explained("logits_head", spread)
    assert np.allclose(
        result.scores, result.predictions[:, 0] - result.predictions.mean(1), atol=1e-6
    )
    assert "spread" in result.explained[0]
    with pytest.raises(ks.BadTarget, match="one score per sample"):
        explained("logits_head", lambda outputs: outputs)


def test_mask_over_a_segmentation() -> None:
    mask = np.zeros((12, 16))
    mask[2:5, 3:9] = 1
    result = explained("segmentation", ks.Mask(mask, 1), score="probability")
    inside = result.predictions[:, 2:5, 3:9, 1].mean(axis=(1, 2))
    assert np.allclose(result.scores, inside, atol=1e-6)
    box = explained("segmentation", ks.Box((3, 2, 9, 5), 1), score="probability")
    assert np.allclose(box.scores, inside, atol=1e-6)
    with pytest.raises(ks.BadTarget, match="empty"):
        explained("segmentation", ks.Mask(np.zeros((12, 16)), 1))
    with pytest.raises(ks.BadTarget, match="divides"):
        explained("segmentation", ks.Mask(np.ones((5, 7)), 1))
    with pytest.raises(ks.BadTarget, match="x1 > x0"):
        explained("segmentation", ks.Box((9, 2, 3, 5), 1))


def test_box_of_a_detector_is_the_best_overlap() -> None:
    case = zoo.SHAPES["box_head"]()
    raw = case.model(case.x)
    boxes = np.sort(np.asarray(ops.convert_to_numpy(raw["boxes"])).reshape(2, 4, 2, 2), axis=2)
    given = boxes.reshape(2, 4, 4)[0, 2]

    class Sorted(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = case.model

        def call(self, x: Any) -> Any:
            found = self.inner(x)
            corners = ops.reshape(found["boxes"], (-1, 4, 2, 2))
            corners = ops.sort(corners, axis=2)
            return {"classes": found["classes"], "boxes": ops.reshape(corners, (-1, 4, 4))}

    model = Sorted()
    model(case.x)
    target = ks.Box(tuple(float(v) for v in given), 1)
    view = HookedModel(model, compiled=False)
    result = ks.explain(view, case.x[:1], "gradient", target=target, score="probability")
    assert np.allclose(result.scores[0], np.asarray(ops.convert_to_numpy(raw["classes"]))[0, 2, 1])


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (3, "0 to 2"),
        (-1, "0 to 2"),
        ("rank-4", "ranks 1 to 3"),
        ("rank-0", "ranks start at 1"),
        ("top-9", "ranks 1 to 3"),
        ("top-0", "k starts at 1"),
        ("cta", "did you mean 'cat'"),
        ([0], "1 entries for 2 samples"),
        ([0, 1.5], "index, name or rank"),
        ((), "empty tuple"),
        (True, "not understood"),
        (1.5, "not understood"),
        (object(), "not understood"),
        (ks.Contrast(0, 7), "0 to 2"),
        (ks.Contrast(0, "cat"), "contrasts 'cat' with itself"),
        (ks.Contrast([0, 1], ["cat", 1]), "contrasts 'cat' with itself"),
        (ks.Contrast("rank-1", ks.Rank(1)), "contrasts the predicted class with itself"),
        (ks.Class("wolf"), "'wolf' not found"),
    ],
)
def test_wrong_targets_name_the_choices(target: Any, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words):
        explained("flat_functional", target, labels=NAMES)


def test_names_without_labels() -> None:
    with pytest.raises(ks.BadTarget, match="names are not known"):
        explained("flat_functional", "tabby")
    assert np.allclose(
        explained("flat_functional", "1").values, explained("flat_functional", 1).values
    )


def test_names_without_labels_of_one_unit_count_both_its_sides() -> None:
    case = zoo.SHAPES["single_sigmoid"]()
    with pytest.raises(ks.BadTarget, match="give an index 0 to 1 or labels"):
        ks.explain(case.model, case.x, "gradient", target="dog")


def test_probability_of_a_logits_head_is_refused() -> None:
    with pytest.raises(ks.BadTarget, match="raw values"):
        explained("logits_head", 0, score="probability")


def test_targets_work_with_every_kind_of_method() -> None:
    for method in ("grad_cam", "occlusion", "integrated_gradients", "score_cam"):
        contrast = explained(
            "flat_functional", (ks.Contrast(0, 1), ks.Neuron("conv1", 0)), method=method
        )
        assert contrast.values.shape[1] == 2
        assert np.isfinite(contrast.values).all()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("mse", "value of output 1"), (["mse", None], "value of output 1"),
        ({"lengths": keras.losses.Huber(name="mine")}, "value of output 1"),
        (keras.losses.MeanAbsoluteError(), "value of output 1"),
        (None, "score of class 1"), (lambda true, said: 0.0, "score of class 1"),
        (keras.losses.CategoricalCrossentropy(from_logits=True), "score of class 1"),
    ],
)  # fmt: skip
def test_raw_values_are_called_what_their_loss_says(loss: Any, words: str) -> None:
    i = keras.Input((4,))
    heads = [keras.layers.Dense(3, name="lengths")(i), keras.layers.Dense(2, name="other")(i)]
    model = keras.Model(i, heads if isinstance(loss, list) else heads[0])
    if loss is not None:
        model.compile(loss=loss)
    x, output = np.ones((1, 4), "float32"), "lengths" if isinstance(loss, list) else None
    said = ks.explain(model, x, "gradient", target=ks.Class(1, output=output)).explained[0]
    assert said.startswith(words)
    top = ks.explain(model, x, "gradient", target=ks.Top(2, output=output)).explained[0]
    assert all(one.startswith(words[:-1]) for one in top)


def test_a_class_at_every_step_is_said_to_be_a_mean() -> None:
    i = keras.Input((6, 3))
    steps = keras.layers.LSTM(4, return_sequences=True)(i)
    model = keras.Model(i, keras.layers.Dense(2, activation="softmax")(steps))
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    said = ks.explain(model, x, "gradient", target=1)
    assert all(one.startswith("mean logit of class 1 over 6 positions (") for one in said.explained)
    apart = ks.explain(model, x, "gradient", target=ks.Contrast(0, 1)).explained[0]
    assert subject(apart) == "class 0 over 6 positions rather than class 1 over 6 positions"
    weights = np.eye(6, dtype="float32")[3]
    one = ks.explain(model, x, "gradient", target=ks.Mask(weights, 1))
    assert not one.values[:, 4:].any()  # what comes later cannot have moved it
    assert one.values[:, :4].any(axis=(0, 2)).all()
