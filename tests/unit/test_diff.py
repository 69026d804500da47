"""Where two models look: distances by hand, classes, the gate of the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascope as ks
from kerascope.facts import remember
from kerascope.resize import overlaps
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]
LEFT = np.zeros((8, 8, 1), np.float32)
LEFT[:, :4] = 1.0


def reading(where: np.ndarray, name: str = "net") -> keras.Model:
    """Build a net whose class 0 is what lies `where`, and class 1 a constant."""
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2), layers.Softmax()], name=name
    )
    weights = np.stack([where.ravel(), np.zeros(64, np.float32)], axis=1)
    model.layers[1].set_weights([weights, np.array([0.0, 0.5], np.float32)])
    return model


X = np.random.default_rng(0).uniform(0.5, 1, (4, 8, 8, 1)).astype("float32")


def test_the_same_model_looks_at_the_same() -> None:
    found = ks.diff(reading(LEFT), reading(LEFT), X, "gradient_x_input")
    assert np.allclose(found.distances, 0, atol=1e-6)
    assert not found.turned.any()
    assert found.mean().value < 1e-6


def test_a_model_that_looks_elsewhere_is_one_apart_and_half_is_half() -> None:
    other = ks.diff(reading(LEFT), reading(1 - LEFT), X, "gradient_x_input", target=0)
    assert np.allclose(other.distances, 1)
    assert other.over(0.2) == ("logit of class 0",)
    ones = X * 0 + 1
    half = ks.diff(reading(LEFT), reading(LEFT * 0 + 1), ones, "gradient_x_input", target=0)
    assert np.allclose(half.distances, 0.5, atol=1e-6)
    assert "0.50" in repr(half)


def test_both_are_asked_for_what_the_old_one_predicts() -> None:
    turned = reading(LEFT * -1)
    found = ks.diff(reading(LEFT), turned, X, "gradient_x_input")
    assert found.turned.all()
    assert set(found.classes) == {"logit of class 0"}
    # What speaks for class 0 is nothing in the new one: no number stands for that.
    assert np.isnan(found.distances).all()
    assert np.isnan(found.mean().value)
    assert found.worst() == ()
    assert found.over(0.1) == ()


def test_both_sides_of_one_unit_are_classes() -> None:
    def unit(sign: float) -> keras.Model:
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
        model.layers[0].set_weights([np.array([[1.0], [0.0], [0.0], [0.0]]) * sign, np.zeros(1)])
        return model

    x = np.array([[1, 0, 0, 0], [-1, 0, 0, 0]], np.float32)
    found = ks.diff(unit(1), unit(-1), x, "gradient_x_input")
    assert found.turned.all()
    assert found.classes == ("logit of class 1", "logit of class 0")
    assert [words.partition(" (")[0] for words in found.new.explained] == list(found.classes)
    assert not ks.diff(unit(1), unit(2), x, "gradient_x_input").turned.any()


def test_one_unit_and_two_classes_are_the_same_classes() -> None:
    unit = keras.Sequential([keras.Input((16,)), layers.Dense(1, activation="sigmoid")])
    unit.layers[0].set_weights([np.ones((16, 1)), np.array([-0.5])])
    rows = np.array([[1.0] * 16, [-1.0] * 16], np.float32)
    for old, new in ((unit, table([1.0] * 16)), (table([1.0] * 16), unit)):
        found = ks.diff(old, new, rows, "gradient_x_input", target=0)
        assert found.turned.all()  # class 0 of the table is class 1 of the unit
        assert len(found.classes) == 2
    number = keras.Sequential([keras.Input((16,)), layers.Dense(1)])
    with pytest.raises(ks.BadInput, match="2 classes, the new one gives a number: only models of"):
        ks.diff(unit, number, rows, "gradient_x_input")


def heads(sign: float) -> keras.Model:
    """Build a net of two outputs, of which the second has classes."""
    x = keras.Input((4,), name="x")
    kind = layers.Dense(3, activation="softmax", name="kind")(x)
    model = keras.Model(x, {"size": layers.Dense(1, name="size")(x), "kind": kind})
    model.get_layer("kind").set_weights([np.eye(4, 3) * sign, np.zeros(3)])
    return model


def test_outputs_by_name_are_asked_for_the_same_class() -> None:
    x = np.eye(3, 4, dtype=np.float32) + 0.1
    found = ks.diff(heads(1), heads(-1), x, "gradient_x_input")
    assert found.turned.all()
    assert found.classes == tuple(f"logit of class {k} of output 'kind'" for k in range(3))
    assert [words.rpartition(" (")[0] for words in found.new.explained] == list(found.classes)


@pytest.mark.parametrize("labels", [None, ("a", "b")])
def test_a_contrast_and_a_rank_are_of_classes(labels: Any) -> None:
    old, new = table([1.0] * 16), table([-1.0] * 16)
    for model in (old, new):
        remember(model, labels=labels)
    rows = np.ones((2, 16), np.float32)
    found = ks.diff(old, new, rows, "gradient_x_input", target=ks.Contrast(0, 1))
    assert found.turned.all()
    found = ks.diff(old, new, rows, "gradient_x_input", target="rank-2")
    assert found.classes == ((f"logit of {'class 1' if labels is None else repr('b')}",) * 2)
    assert [words.rpartition(" (")[0] for words in found.new.explained] == list(found.classes)


@pytest.mark.parametrize("method", [None, "kernel_shap", "integrated_gradients"])
def test_a_table_in_other_units_has_a_baseline_of_its_own(method: str | None) -> None:
    rng = np.random.default_rng(0)
    columns = {f"c{k}": rng.normal(k, 1, 30) for k in range(16)}
    old, new = table([1.0] * 8 + [-1.0] * 8), table([0.01] * 8 + [-0.01] * 8)
    scaled = {name: values * 100 for name, values in columns.items()}
    found = ks.diff(
        old, new, ks.load_table(columns, old), method, new_inputs=ks.load_table(scaled, new),
        target=0,
    )  # fmt: skip
    assert np.allclose(found.distances, 0, atol=1e-3)
    assert any("the table itself" in note for note in found.new.notes)


def test_maps_of_other_shapes_are_named() -> None:
    wide = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    narrow = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    x = np.ones((2, 5), np.float32)
    with pytest.raises(ks.BadInput, match=r"cannot be compared: \(5,\) against \(4,\)"):
        ks.diff(wide, narrow, x, "gradient", new_inputs=x[:, :4], target=0)


def test_one_number_is_no_class() -> None:
    def number(weight: float) -> keras.Model:
        model = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
        model.layers[0].set_weights([np.full((4, 1), weight), np.zeros(1)])
        return model

    found = ks.diff(number(1), number(0.1), np.ones((2, 4), np.float32), "gradient_x_input")
    assert not found.turned.any()
    assert np.allclose(found.distances, 0, atol=1e-6)


def test_maps_of_other_sizes_are_compared_by_cells() -> None:
    big = np.repeat(np.repeat(X, 2, axis=1), 2, axis=2)
    twice = keras.Sequential(
        [keras.Input((16, 16, 1)), layers.AveragePooling2D(2), *reading(LEFT).layers]
    )
    found = ks.diff(reading(LEFT), twice, X, "gradient_x_input", new_inputs=big, target=0)
    assert np.allclose(found.distances, 0, atol=1e-5)


def table(where: list[float]) -> keras.Model:
    """Build a net whose class 0 is the sum of some columns of 16."""
    model = keras.Sequential([keras.Input((16,)), layers.Dense(2), layers.Softmax()])
    weights = np.stack([np.array(where), np.zeros(16)], axis=1)
    model.layers[0].set_weights([weights, np.array([0.0, 0.5])])
    return model


def test_without_a_method_it_is_the_one_that_suits_the_old_model() -> None:
    rows = np.ones((2, 16), np.float32)
    found = ks.diff(table([1.0] * 16), table([1.0] * 16), rows, target=0)
    assert found.old.method == found.new.method == ks.explain(table([1.0] * 16), rows).method
    assert np.allclose(found.distances, 0, atol=1e-6)


def test_a_column_is_no_part_of_its_neighbour() -> None:
    even, odd = [1.0, 0.0] * 8, [0.0, 1.0] * 8
    rows = np.ones((2, 16), np.float32)
    found = ks.diff(table(even), table(odd), rows, "gradient_x_input", target=0)
    assert np.allclose(found.distances, 1)


def two_inputs(first: float, second: float) -> keras.Model:
    """Build a net whose class 0 is a weighted sum of its two inputs' means."""
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((4,), name="b")
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(a), layers.Dense(1, name="m")(b)])
    model = keras.Model({"a": a, "b": b}, layers.Dense(2, name="head")(x))
    model.get_layer("m").set_weights([np.full((4, 1), 0.25), np.zeros(1)])
    model.get_layer("head").set_weights([np.array([[first, 0], [second, 0]]), np.zeros(2)])
    return model


def test_evidence_that_moves_to_another_input_lies_elsewhere() -> None:
    x = {"a": np.ones((2, 8, 8, 1), np.float32), "b": np.ones((2, 4), np.float32)}
    one, other, both = two_inputs(1, 0), two_inputs(0, 1), two_inputs(1, 1)
    for new, distance in ((one, 0), (other, 1), (both, 0.5)):
        found = ks.diff(one, new, x, "gradient_x_input", target=0)
        assert found.distances == pytest.approx([distance] * 2, abs=1e-6)


def test_cells_share_out_what_lies_on_their_edges() -> None:
    summed = np.arange(10.0) @ overlaps(10, 4).T
    assert np.allclose(summed, [0 + 1 + 1, 1 + 3 + 4, 5 + 6 + 3.5, 3.5 + 8 + 9])
    assert np.allclose(overlaps(3, 8).sum(axis=0), 1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cells": 0}, "cells=0"),
        ({"target": "top-2"}, "several targets"),
        ({"new_inputs": X[:2], "target": 0}, "4 samples, the new one 2"),
        ({"target": 7}, "out of range"),
    ],
)
def test_errors_are_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.KerascopeError, match=words) as caught:
        ks.diff(reading(LEFT), reading(LEFT), X, "gradient_x_input", **fields)
    assert "\n" not in str(caught.value)
    found = ks.diff(reading(LEFT), reading(LEFT), X, "gradient_x_input")
    with pytest.raises(ks.BadInput, match="no sample is of"):
        found.mean("smell")
    with pytest.raises(ks.BadInput, match="between 0 and 1"):
        found.over(2)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models and a folder of pictures."""
    folder = tmp_path_factory.mktemp("files")
    reading(LEFT).save(folder / "old.keras")
    reading(1 - LEFT).save(folder / "new.keras")
    (folder / "pictures").mkdir()
    for k in range(2):
        pixels = np.random.default_rng(k).integers(100, 255, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"p{k}.png")
    return folder


def test_the_gate_of_the_command(cli: Runner, files: Path, tmp_path: Path) -> None:
    job = ("diff", files / "old.keras", files / "new.keras", files / "pictures", "-m",
           "gradient_x_input", "-t", "0", "--preprocess", "unit", "-o", tmp_path)  # fmt: skip
    code, out, err = cli(*job)
    assert code == 0, err
    assert "100% of the evidence lies elsewhere" in out
    code, out, _ = cli(*job, "--fail-over", 0.2)
    assert code == 1
    assert "over the limit of 0.2: logit of class 0" in out
    code, out, _ = cli(*job, "--fail-over", 0.2, "--json")
    assert code == 1
    told = json.loads(out)
    assert told["over"] == ["logit of class 0"]
    assert [s["name"] for s in told["samples"]] == ["p0", "p1"]
    page = (tmp_path / "report.html").read_text()
    assert "Where they differ most" in page
    same = (*job[:2], files / "old.keras", *job[3:])
    assert cli(*same, "--fail-over", 0.0)[0] == 0
    code, _, err = cli(*job, "--fail-over", 3)
    assert code == 2
    assert "--fail-over 3" in err


def net_of(*inner: Any, shape: tuple[int, ...], dtype: str = "float32") -> keras.Model:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *inner])


def kinds() -> dict[str, tuple[keras.Model, Any]]:
    """Return a model and inputs of each kind, of which the default target is another."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(3)
    flat = rng.normal(size=(3, 6)).astype("float32")
    pictures = rng.uniform(size=(2, 8, 8, 3)).astype("float32")
    forecaster = net_of(layers.Flatten(), layers.Dense(3), shape=(12, 2))
    regression = net_of(layers.Dense(4), shape=(6,))
    regression.compile(loss="mse")
    same = {"padding": "same"}
    return {
        "forecast": (
            forecaster,
            ks.load_series(rng.normal(size=(3, 12, 2)).astype("float32"), forecaster, forecast=0),
        ),
        "table": (net_of(layers.Dense(3, activation="softmax"), shape=(6,)), flat),
        "numbers": (regression, flat),
        "rows made anew": (net_of(layers.Dense(6), shape=(6,)), flat),
        "segmentation": (
            net_of(layers.Conv2D(4, 3, activation="softmax", **same), shape=(8, 8, 3)), pictures
        ),
        "picture made anew": (net_of(layers.Conv2D(3, 3, **same), shape=(8, 8, 3)), pictures),
        "ids": (
            net_of(layers.Embedding(9, 4), layers.LSTM(3), layers.Dense(2), shape=(5,),
                   dtype="int32"),
            rng.integers(0, 9, (3, 5)).astype("int32"),
        ),
        "next token": (
            net_of(layers.Embedding(9, 4), layers.LSTM(3, return_sequences=True), layers.Dense(9),
                   shape=(5,), dtype="int32"),
            rng.integers(0, 9, (2, 5)).astype("int32"),
        ),
    }  # fmt: skip


KINDS = kinds()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_a_model_of_any_kind_differs_in_nothing_from_itself(kind: str, method: str) -> None:
    model, inputs = KINDS[kind]
    found = ks.diff(model, model, inputs, method)
    assert found.old.explained == found.new.explained
    known = np.isfinite(found.distances)
    assert known.any() or method == "occlusion"  # of which nothing may speak for the score
    assert np.allclose(found.distances[known], 0, atol=1e-6)
    assert not found.turned.any()


def test_models_of_other_classes_are_not_compared() -> None:
    three, five = (net_of(layers.Dense(k, activation="softmax"), shape=(6,)) for k in (3, 5))
    flat = np.ones((2, 6), "float32")
    with pytest.raises(ks.BadInput, match="the old model has 3 classes, the new one 5"):
        ks.diff(three, five, flat, "gradient", target=1)
    other = net_of(layers.Dense(3, activation="softmax"), shape=(6,))
    remember(three, labels=("cat", "dog", "cow"))
    remember(other, labels=("cat", "cow", "dog"))
    with pytest.raises(ks.BadInput, match="class 1 is 'dog' for the old model and 'cow' for"):
        ks.diff(three, other, flat, "gradient")
