"""`evaluate`: tables of methods and controls on any model, and its errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import kerascope as ks
import text_nets
import zoo
from kerascope.hooks import HookedModel
from kerascope.interrupts import STOP
from kerascope.method import AttributionMethod, Need, Passes, RawMap, make_method, registry
from kerascope.metrics import CONTROLS, Evaluation, make_metric
from once import some
from tabular import nets as table_nets

FAST = ("deletion", "insertion", "sparseness")


def bright_model() -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A net that reads the upper left quarter alone, pictures, and that quarter as masks."""
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(1)])
    weights = np.zeros((12, 12), np.float32)
    weights[1:5, 1:5] = 0.1
    model.layers[1].set_weights([weights.reshape(-1, 1), np.zeros(1, np.float32)])
    x = np.random.default_rng(0).uniform(0.2, 1, (12, 12, 12, 1)).astype("float32")
    return model, x, np.repeat(weights[None] > 0, 12, axis=0)


class Noise(AttributionMethod):
    """A method that knows nothing."""

    needs = frozenset({Need.SCORES})

    def passes(self, shape: Any, targets: int = 1, channels: int = 1) -> Passes:
        return Passes()

    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        values = {n: np.stack([run.generator(i).random(a[0].shape) for i in range(len(a))])[:, None]
                  for n, a in x.items()}  # fmt: skip
        axes = {n: ("sample", "target", *model.axes(n, a.shape[1:])) for n, a in x.items()}
        return RawMap(values, axes)


def test_a_good_method_beats_all_controls_and_a_bad_one_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kerascope.method._REGISTRY", dict(registry()))  # for this test alone
    model, x, masks = bright_model()
    noise = type("Noise", (Noise,), {"name": "noise_of_a_test", "title": "", "reference": ""})()
    # Covered by zeros: the mean of a picture of noise is what its parts sum to anyway.
    areas = [type(make_metric(name))(baseline=0.0) for name in ("deletion", "insertion")]
    metrics = (*areas, "relevance_mass", "pointing_game")
    found = ks.evaluate(model, x, ["gradient_x_input", noise], metrics, masks=masks)
    assert found.methods == ("gradient_x_input", "noise_of_a_test", *CONTROLS)
    assert found.values.shape == (5, 4, 12)
    printed = str(found).splitlines()
    assert printed[0] == repr(found)
    assert re.match(r"gradient_x_input +relevance_mass ↑ +[\d.]+ +[\d.]+ … [\d.]+$", printed[4])
    assert re.match(r"noise_of_a_test +deletion ↓ .* not better than random", printed[6])
    for metric in ("deletion", "insertion", "relevance_mass"):
        assert found.beaten_by("gradient_x_input", metric) == ()
        assert "random map" in found.beaten_by("noise_of_a_test", metric)
    best = found.compare("relevance_mass")[0]
    assert best.real
    assert best.better == "gradient_x_input"
    assert found.mean("gradient_x_input", "relevance_mass").value == pytest.approx(1, abs=1e-5)
    words = {row[0]: row[-1] for row in found.rows() if row[1] == "deletion"}
    assert words["gradient_x_input"] == ""
    assert words["noise_of_a_test"].startswith("not better than")
    assert words["random map"] == ""


def test_values_are_those_of_one_method_alone_and_repeat() -> None:
    case = zoo.SHAPES["flat_functional"]()
    both = ks.evaluate(case.model, case.x, ["gradient", "occlusion"], FAST[:2])
    one = ks.evaluate(case.model, case.x, "occlusion", FAST[:2], controls=False)
    assert np.allclose(both.values[1], one.values[0], atol=1e-6)
    given = ks.explain(case.model, case.x, "occlusion")
    ready = ks.evaluate(case.model, case.x, given, FAST[:2], controls=False)
    assert np.allclose(ready.values, one.values, atol=1e-6)
    again = ks.evaluate(case.model, case.x, ["gradient", "occlusion"], FAST[:2])
    assert np.array_equal(both.values, again.values)


@pytest.mark.parametrize("name", some(zoo.SHAPES, 0))
def test_every_model_shape(name: str) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    metrics = [type(make_metric(m))(steps=4) for m in FAST[:2]]
    found = ks.evaluate(case.model, case.x, "gradient_x_input", metrics, target=case.target)
    assert np.isfinite(found.values).all()
    assert found.values.shape[0] == 4
    assert len(found.explained) == len(found.samples)


def test_slopes_of_a_detector_are_of_the_class_of_its_box() -> None:
    case = zoo.SHAPES["box_head"]()
    covered = ks.evaluate(case.model, case.x, "occlusion", FAST[:1], controls=False)
    both = ks.evaluate(case.model, case.x, ["gradient", "occlusion"], FAST[:1], controls=False)
    assert all(words.startswith("similarity to") for words in covered.explained)
    assert not any(words.startswith("similarity to") for words in both.explained)


def test_probabilities_are_measured_where_there_are_some() -> None:
    case = zoo.SHAPES["flat_functional"]()
    one = make_metric("insertion")
    share = ks.evaluate(case.model, case.x, "gradient", one, target=1, controls=False)
    logit = ks.evaluate(
        case.model, case.x, "gradient", one, target=1, controls=False, score="logit"
    )
    assert ((share.values >= 0) & (share.values <= 1)).all()
    assert not np.allclose(share.values, logit.values)
    raw = zoo.SHAPES["regression_head"]()
    plain = ks.evaluate(raw.model, raw.x, "gradient", one, target=raw.target, controls=False)
    assert any("measured as they are" in note for note in plain.notes)


def test_a_plain_function_is_measured() -> None:
    def brightness(batch: Any) -> np.ndarray:
        return np.asarray(batch)[:, :3, :3].mean(axis=(1, 2))

    x = np.random.default_rng(0).random((9, 8, 8, 1)).astype("float32")
    found = ks.evaluate(brightness, x, "occlusion", "deletion")
    assert found.beaten_by("occlusion", "deletion") == ()


def test_a_method_that_refuses_is_left_out_with_a_note() -> None:
    case = zoo.SHAPES["lstm"]()
    found = ks.evaluate(case.model, case.x, ["gradient", "cam"], "deletion", controls=False)
    assert found.methods == ("gradient",)
    assert any(note.startswith("cam is left out") for note in found.notes)
    with pytest.raises(ks.Refused, match="no method could be measured"):
        ks.evaluate(case.model, case.x, "cam", "deletion")


def test_few_samples_are_said_to_tell_nothing() -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.evaluate(case.model, case.x[:1], "gradient", "deletion")
    assert any("too few to tell a difference between 4 maps" in note for note in found.notes)
    assert np.isnan(found.mean("gradient", "deletion").low)
    assert not any(c.real for c in found.compare("deletion"))


def test_files_tables_and_pictures(tmp_path: Path) -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.evaluate(case.model, case.x, ["gradient", "occlusion"], FAST[:2])
    loaded = Evaluation.load(found.save(tmp_path / "a.safetensors"))
    assert np.array_equal(loaded.values, found.values)
    assert loaded.rows() == found.rows() or str(loaded.rows()) == str(found.rows())
    assert loaded.settings == found.settings
    assert len(found.plot().axes) == 2
    twice = ks.evaluate(case.model, case.x, ["gradient", "gradient"], "deletion", controls=False)
    assert twice.methods == ("gradient #1", "gradient #2")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"methods": []}, "methods is empty"),
        ({"methods": "nope"}, "method 'nope' not found"),
        ({"metrics": []}, "metrics is empty"),
        ({"metrics": "nope"}, "metric 'nope' not found"),
        ({"metrics": ["deletion", "deletion"]}, "given twice"),
        ({"metrics": "pointing_game"}, "give masks= or boxes="),
        ({"target": "top-2"}, "2 targets"),
        ({"target": 9}, "out of range"),
        ({"score": "loss"}, "score='loss'"),
        ({"masks": np.zeros((1, 2, 2))}, "masks have shape"),
        ({"masks": np.full((2, 12, 16), 0.5)}, "0 and 1 only"),
        ({"boxes": [(0, 0, 4, 4)]}, "1 boxes for 2"),
        ({"boxes": [(0, 0, 40, 4)] * 2}, "does not lie in the picture"),
        ({"boxes": [(3, 0, 3, 4)] * 2}, "does not lie in the picture"),
        ({"boxes": [(0, 0, np.nan, 4)] * 2}, "a box is"),
        ({"masks": np.zeros((2, 12, 16)), "boxes": [(0, 0, 4, 4)] * 2}, "both given"),
    ],
)
def test_errors_are_one_line(fields: dict[str, Any], words: str) -> None:
    case = zoo.SHAPES["flat_functional"]()
    assert case.x.shape[0] == 2
    with pytest.raises(ks.KerascopeError, match=words) as caught:
        ks.evaluate(case.model, case.x, **{"methods": "gradient", "metrics": "deletion", **fields})
    assert "\n" not in str(caught.value)


def test_no_samples_are_an_error() -> None:
    case = zoo.SHAPES["flat_functional"]()
    with pytest.raises(ks.BadInput):
        ks.evaluate(case.model, case.x[:0], "gradient", "deletion")


def test_finished_maps_must_be_of_these_samples_and_this_target() -> None:
    case = zoo.SHAPES["flat_functional"]()
    other = ks.explain(case.model, case.x, "gradient", target=2)
    with pytest.raises(ks.BadInput, match="logit of class 2"):
        ks.evaluate(case.model, case.x, other, "deletion", target=0)
    with pytest.raises(ks.BadInput, match="other samples"):
        ks.evaluate(case.model, case.x[::-1], other, "deletion", target=2)
    two = ks.explain(case.model, case.x, "gradient", target="top-2")
    with pytest.raises(ks.BadInput, match="several targets"):
        ks.evaluate(case.model, case.x, two, "deletion")
    again = zoo.SHAPES["flat_functional"]()  # whose input has another name
    ready = ks.evaluate(again.model, case.x, other, "deletion", target=2, controls=False)
    fresh = ks.evaluate(case.model, case.x, "gradient", "deletion", target=2, controls=False)
    assert np.allclose(ready.values, fresh.values, atol=1e-5)


def test_masks_are_of_the_picture_among_several_inputs() -> None:
    case = zoo.SHAPES["image_and_vector"]()
    name = next(n for n, array in case.x.items() if array.ndim == 4)
    size = case.x[name].shape[1:3]
    masks = np.zeros((len(case.x[name]), *size), bool)
    masks[:, :4, :4] = True
    found = ks.evaluate(
        case.model, case.x, ["gradient_x_input", "grad_cam"], "relevance_mass", masks=masks,
        target=case.target,
    )  # fmt: skip
    assert np.isfinite(found.values[0]).all()
    maps = ks.explain(case.model, case.x, "gradient_x_input", target=case.target).heatmap()[name]
    expected = np.abs(maps)[masks].reshape(len(maps), -1).sum(axis=1)
    total = np.abs(maps).reshape(len(maps), -1).sum(axis=1)
    assert np.allclose(found.values[0, 0], expected / total, rtol=1e-3)


def test_a_stop_leaves_out_what_was_sampling() -> None:
    from kerascope.run import reporting

    case = zoo.SHAPES["flat_functional"]()

    def stop(what: str, done: int, total: int) -> None:
        if what == "masks" and 0 < done < total:
            STOP.get().set()

    with reporting(stop):
        found = ks.evaluate(
            case.model, case.x, ["gradient", "rise"], "sparseness", controls=False, batch_size=4
        )
    assert found.methods == ("gradient",)
    assert any(note.startswith("stopped: 1 of 2") for note in found.notes)


def test_any_seed_and_unknown_names() -> None:
    case = zoo.SHAPES["flat_functional"]()
    found = ks.evaluate(case.model, case.x, "gradient", "deletion", seed=-1)
    assert found.rows()
    with pytest.raises(ks.BadInput, match="'nope' was not measured"):
        found.beaten_by("gradient", "nope")
    with pytest.raises(ks.BadInput, match="'nope' was not measured"):
        found.compare("nope")


def test_padding_of_texts_is_not_measured() -> None:
    net = text_nets.classifier("conv")
    texts = ks.load_texts(["the film was boring", "a plot"], net, vocabulary=list(text_nets.WORDS))
    asked = (["integrated_gradients", "kernel_shap"], ["deletion", "insertion", "mu_fidelity"])
    told = HookedModel(net)
    told.reading = texts.reading
    told.read(texts)
    found = ks.evaluate(net, texts, *asked)
    assert np.allclose(found.values, ks.evaluate(told, texts, *asked).values, atol=1e-6)
    plain = ks.evaluate(net, texts.inputs, *asked).values  # ids alone: all are words
    assert not np.allclose(found.values, plain, atol=1e-2)
    assert any("covered tokens become '[UNK]'" in note for note in found.notes)


def test_a_table_is_explained_again_from_the_same_baseline() -> None:
    net, columns = table_nets.net(2, activation="softmax"), table_nets.table(8)
    given = ks.load_table(columns, net)
    asked = (["max_sensitivity", "model_parameter_randomization", "deletion"],)
    suited = ks.explain(net, given, "integrated_gradients").method
    assert suited != make_method("integrated_gradients", {})
    found = ks.evaluate(net, given, "integrated_gradients", *asked)
    told = ks.evaluate(net, given, suited, *asked)
    assert np.allclose(found.values, told.values, atol=1e-6, equal_nan=True)
    frame = ks.evaluate(net, pd.DataFrame(columns), "integrated_gradients", *asked)
    assert np.allclose(frame.values, found.values, atol=1e-6, equal_nan=True)


def test_tokens_are_the_classes_of_a_language_model() -> None:
    net = text_nets.language()
    texts = ks.load_texts(["a c b", "b d a"], net, vocabulary=list(text_nets.LETTERS))
    for target in ("c", None):
        found = ks.evaluate(net, texts, "gradient_x_input", "deletion", target=target)
        result = ks.explain(net, texts, "gradient_x_input", target=target)
        measured = ks.evaluate(net, texts, result, "deletion", target=target)
        assert np.allclose(found.values[0], measured.values[0])
