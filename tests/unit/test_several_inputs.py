"""Several inputs of several kinds: read together, explained together, the share of each."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.several import several_of
from mixed_nets import COLUMN, COLUMNS, PIXEL, WORDS, mixed, mixed_inputs, pair


def together(model: Any, *, background: Any = None) -> Any:
    given = mixed_inputs()
    rest = np.zeros((2, 3)) if background is None else background
    given["facts"] = ks.load_table(given["facts"], columns=COLUMNS, background=rest)
    return several_of(given, model, vocabulary=WORDS)


def explained(method: Any = None, *, model: Any = None, **options: Any) -> ks.Attribution:
    model = model or mixed()
    inputs = together(model)
    return ks.explain(HookedModel(model, compiled=False), inputs, method, **options)


def test_the_default_finds_pixel_column_and_word_and_their_shares() -> None:
    found = explained(shares=True)
    assert found.method.name == "integrated_gradients"
    assert found.input_names == ("image", "facts", "text")
    image, facts, text = (found.maps()[name] for name in found.input_names)
    for i, word in enumerate((2, 0)):  # where "broken" stands
        assert np.unravel_index(image[i].argmax(), image[i].shape) == PIXEL
        assert facts[i].argmax() == COLUMN
        assert text[i].argmax() == word
    # 2, 3 and 1.5, from a black picture, no dose and no word
    for name, part in (("image", 2.0), ("facts", 3.0), ("text", 1.5)):
        assert np.allclose(found.shares[name], part / 6.5, atol=1e-5)
        assert np.allclose(found.input_values[name], part, atol=1e-5)
    assert np.allclose(sum(found.shares.values()), 1)
    assert any("median" in note for note in found.notes)


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "feature_ablation", "shapley_sampling"])
def test_one_game_of_superpixels_columns_and_tokens(method: str) -> None:
    options = {"baseline": {"image": 0.0, "facts": 0.0, "text": 0}}
    if method != "feature_ablation":
        options["samples"] = 600
    found = explained(method, segments="grid-6", **options)
    segments = len(np.unique(found.extras["segments:image"][0]))
    assert found.extras["segment_values"].shape[-1] == segments + 3 + 5
    sums = {name: part.reshape(2, -1).sum(1) for name, part in found.maps().items()}
    assert np.argmax(found.maps()["facts"][0]) == COLUMN
    close = {"rtol": 0.05, "atol": 0.05}
    assert np.allclose(sums["facts"], 3, **close)
    assert np.allclose(sums["text"], 1.5, **close)


def test_whole_inputs_as_players_are_exact() -> None:
    i, j, k = (keras.Input((1,), name=n) for n in "abc")
    both = layers.Multiply()([i, j])
    model = keras.Model({"a": i, "b": j, "c": k}, layers.Add()([both, k]))
    x = {n: np.full((1, 1), v, "float32") for n, v in zip("abc", (2, 3, 5), strict=True)}
    found = ks.explain(model, x, "gradient", target="value", shares=True)
    # the product is shared evenly by the two that make it
    assert np.allclose([found.input_values[n][0] for n in "abc"], [3, 3, 5], atol=1e-5)
    black = ks.explain(lambda t: t["a"] * t["b"] + t["c"], x, "kernel_shap",
                       target="value", baseline=0.0, shares=True)  # fmt: skip
    assert np.allclose([black.input_values[n][0] for n in "abc"], [3, 3, 5], atol=1e-5)
    top = ks.explain(model, x, "gradient", target=("value", ks.Regression(direction=-1)),
                     shares=True)  # fmt: skip
    assert np.allclose(top.input_values["a"], [[3, -3]], atol=1e-5)


def test_a_pair_is_explained_in_both_pictures() -> None:
    keras.utils.set_random_seed(3)
    model = pair()
    rng = np.random.default_rng(5)
    x = [rng.uniform(0, 1, (2, 8, 8, 1)).astype("float32") for _ in range(2)]
    found = ks.explain(model, x, shares=True)
    assert found.method.name == "grad_cam"
    assert set(found.maps()) == {"left", "right"}
    assert np.allclose(found.shares["left"] + found.shares["right"], 1, atol=1e-5)
    total = sum(found.input_values.values())
    nothing = ks.explain(model, [np.zeros_like(a) for a in x], "gradient").scores
    assert np.allclose(total, found.scores - nothing, atol=1e-4)


def test_a_saved_result_keeps_shares_and_kinds(tmp_path: Any) -> None:
    found = explained(shares=True)
    again = ks.Attribution.load(found.save(tmp_path / "a.safetensors"))
    assert again.method == found.method
    assert again.shares.keys() == found.shares.keys()
    assert np.allclose(again.input_values["facts"], 3, atol=1e-5)
    assert again.feature_names("facts", 0) == COLUMNS
    assert again.tokens(0, "text").tokens == found.tokens(0, "text").tokens
    assert tuple(column.name for column in again.columns) == COLUMNS


WRONG: list[tuple[Any, str]] = [
    (lambda x: {n: x[n] for n in ("image", "facts")}, "input 'text' of the model is missing"),
    (lambda x: {**x, "picture": x["image"]}, "no input 'picture'"),
    (lambda x: x["image"], "takes 3 inputs .*1 input given"),
    (lambda x: list(x.values())[:2], "takes its inputs as a dict"),
    (lambda x: {**x, "facts": x["facts"][:1]}, "differ in their number of samples"),
    (lambda x: {**x, "facts": [[1.0, 2.0, 3.0], [1.0]]}, "rows of input 'facts' differ in length"),
    (lambda x: {**x, "facts": x["facts"][:, :2]}, r"'facts' has shape \(2, 2\)"),
    (lambda x: {**x, "facts": {"deep": x["facts"]}}, "'facts'"),
    (lambda x: {**x, "text": x["text"] + 9}, "out of vocabulary"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_wrong_inputs_are_one_clear_line(change: Any, words: str) -> None:
    x = mixed_inputs()
    x["text"] = np.array([[3, 5, 4, 2, 0], [4, 3, 2, 5, 3]], "int32")
    with pytest.raises(ks.BadInput, match=words) as caught:
        ks.explain(mixed(), change(x), "gradient")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ({"image": "grey", "facts": 0.0, "text": 0}, "baseline 'grey' is not known"),
        ({"image": 0.0}, "the baseline has no input 'facts'"),
        ({"image": "inpaint", "facts": 0.0, "text": 0}, "for all inputs or none"),
    ],
)
def test_wrong_baselines_by_input(baseline: Any, words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        explained("lime", baseline=baseline)


@pytest.mark.parametrize("order", [("image", "facts"), ("facts", "image")])
def test_a_list_for_a_model_of_a_dict_is_refused_with_its_names(order: tuple[str, str]) -> None:
    """Keras takes no list there."""
    image, facts = keras.Input((4, 4, 3), name="image"), keras.Input((3,), name="facts")
    both = keras.layers.Concatenate()([keras.layers.Flatten()(image), facts])
    model = keras.Model({"image": image, "facts": facts}, keras.layers.Dense(2)(both))
    given = {"image": np.ones((2, 4, 4, 3), "float32"), "facts": np.ones((2, 3), "float32")}
    with pytest.raises(ks.BadInput, match=r"as a dict: give \{'image': …, 'facts': …\}"):
        ks.explain(model, [given[name] for name in order], "gradient")
    assert set(ks.explain(model, given, "gradient").values) == set(given)
