"""Linear probes: what a layer keeps is told, what it destroys is not, shuffled labels never are."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure
from PIL import Image
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import kerascope as ks
import zoo
from kerascope.concepts.probe.labels import folds_of, labels_of
from kerascope.concepts.probe.linear import cross_validated, interval, predicted, score
from kerascope.hooks import store_of


@pytest.fixture(scope="module")
def net() -> keras.Model:
    """A net whose layer "keeps" turns its four inputs, and "destroys" drops the first of them."""
    i = keras.Input((4,))
    x = layers.Dense(4, use_bias=False, name="keeps")(i)
    x = layers.Dense(4, use_bias=False, name="destroys")(x)
    model = keras.Model(i, layers.Dense(2, name="head")(x))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    model.get_layer("keeps").set_weights([turn])
    model.get_layer("destroys").set_weights([turn.T @ np.diag([0, 1, 1, 1])])
    return model


def told(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, and labels that the sign of the first of them is."""
    x = np.random.default_rng(1).normal(size=(count, 4)).astype("float32")
    x[:, 0] += np.sign(x[:, 0]) * 0.3
    return x, (x[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def found(net: keras.Model) -> ks.Probes:
    x, y = told()
    return ks.probe(net, x, np.array(["no", "yes"])[y], ["keeps", "destroys"], shuffles=5)


def test_a_kept_label_is_told_and_a_destroyed_one_is_not(found: ks.Probes) -> None:
    assert found.classes == ("no", "yes")
    assert found.values[0] > 0.97
    assert found.intervals[1, 0] < 0.5 < found.intervals[1, 1]
    assert found.baseline == pytest.approx(max(told()[1].mean(), 1 - told()[1].mean()))
    assert found.control.shape == (2, 5)
    assert abs(found.control.mean() - 0.5) < 0.1
    assert found.selectivity[0] > 0.35
    assert abs(found.selectivity[1]) < 0.15
    assert np.allclose(found.values, (found.predictions == found.labels).mean(axis=1))


def test_numbers_are_told_by_r_squared(net: keras.Model) -> None:
    x, _ = told()
    result = ks.probe(net, x, x[:, 0] * 3 + 1, ["keeps", "destroys"])
    assert result.measure == "R²"
    assert result.classes is None
    assert result.values[0] > 0.99
    assert result.values[1] < 0.1
    assert result.baseline == 0
    y = x[:, 0] * 3 + 1
    gap = ((y - result.predictions[0]) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert result.values[0] == pytest.approx(1 - gap)
    assert (result.intervals[:, 0] <= result.values + 1e-9).all()
    assert (result.intervals[:, 1] >= result.values - 1e-9).all()
    assert (result.control < 0.1).all()


@pytest.mark.parametrize(("features", "numbers"), [(6, False), (6, True), (90, False), (90, True)])
def test_a_probe_is_scikit_learns_on_standardised_features(features: int, numbers: bool) -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(60, features)) * 7 + 3
    y = rows[:, 0] if numbers else rng.integers(0, 3, 60) + (rows[:, 1] > 3)
    train, test = np.arange(40), np.arange(40, 60)
    said = predicted(rows, labels_of(y), train, test, 5.0)
    # v = w / √d turns a penalty on w for features z / √d into d times one on v for features z.
    model = Ridge(features / 5.0) if numbers else LogisticRegression(
        C=5.0 / features, max_iter=5000, tol=1e-8)  # fmt: skip
    expected = make_pipeline(StandardScaler(), model).fit(rows[train], y[train]).predict(rows[test])
    if numbers:
        assert np.allclose(said, expected)
    else:
        assert (np.array(labels_of(y).classes)[said].astype(int) == expected).all()


def test_predictions_are_by_probes_that_have_not_seen_the_example() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 3))
    labels = labels_of(rng.integers(0, 2, 30))
    folds = folds_of(labels, 3, rng)
    said = cross_validated(rows, labels, folds, (1.0, 1.0, 1.0))
    for fold in range(3):
        test = np.flatnonzero(folds == fold)
        train = np.flatnonzero(folds != fold)
        assert np.array_equal(said[test], predicted(rows, labels, train, test, 1.0))


def test_folds_hold_an_equal_share_of_every_class() -> None:
    labels = labels_of(["a"] * 21 + ["b"] * 9 + ["c"] * 10)
    folds = folds_of(labels, 5, np.random.default_rng(0))
    for code, total in ((0, 21), (1, 9), (2, 10)):
        counts = np.bincount(folds[labels.codes == code], minlength=5)
        assert counts.sum() == total
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 1


@pytest.mark.parametrize("right", [0, 13, 20])
def test_intervals_of_accuracy_are_wilsons(right: int) -> None:
    labels = labels_of([0, 1] * 10)
    said = np.where(np.arange(20) < right, labels.codes, 1 - labels.codes)
    expected = stats.binomtest(right, 20).proportion_ci(method="wilson")
    low, high = interval(labels, said, np.random.default_rng(0))
    assert score(labels, said) == right / 20
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)


@pytest.mark.parametrize(
    "name",
    ["flat_functional", "nested_three_deep", "subclassed_model", "channels_first", "series_conv",
     "image_and_vector", "token_ids", "vit", "lstm", "two_outputs", "sequential_unbuilt"],
)  # fmt: skip
def test_any_shape_of_model_in_one_pass(name: str) -> None:
    if why := zoo.runs_here(name):
        pytest.skip(why)
    case = zoo.SHAPES[name]()
    rng = np.random.default_rng(0)

    def more(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "i":
            return rng.integers(1, 20, (24, *array.shape[1:])).astype(array.dtype)
        return rng.normal(size=(24, *array.shape[1:])).astype("float32")

    x = keras.tree.map_structure(more, case.x)
    options: dict[str, Any] = {"most": 4, "folds": 3, "shuffles": 1, "strength": 1.0}
    found = ks.probe(case.model, x, [0, 1, 2] * 8, **options)
    assert 2 <= len(found) <= 4
    assert store_of(case.model).passes["forward"] == 24
    assert ((found.values >= 0) & (found.values <= 1)).all()
    every = ks.probe(case.model, x, [0, 1, 2] * 8, found.layers[0], pool=None, **options)
    assert every.features[0] >= found.features[0]


def test_pooled_features_are_means_over_positions() -> None:
    case = zoo.SHAPES["flat_functional"]()
    x = zoo.pictures(24)
    y = [0, 1, 2] * 8
    options: dict[str, Any] = {"strength": 1.0, "shuffles": 1}
    found = ks.probe(case.model, x, y, ["conv2", "gap"], **options)
    assert np.array_equal(found.predictions[0], found.predictions[1])
    assert found.features == (5, 5)
    assert ks.probe(case.model, x, y, "conv2", pool=None, **options).features == (5 * 7 * 5,)


def test_the_seed_decides_and_the_batch_size_does_not(net: keras.Model) -> None:
    x, y = told(60)
    a, b, c = (
        ks.probe(net, x, y, "destroys", **options)
        for options in ({}, {"batch_size": 7}, {"seed": 1})
    )
    assert np.array_equal(a.predictions, b.predictions)
    assert np.array_equal(a.control, b.control)
    assert not np.array_equal(a.predictions, c.predictions)


def test_saved_is_loaded_and_drawn(found: ks.Probes, tmp_path: Path) -> None:
    again = ks.Probes.load(found.save(tmp_path / "p.safetensors"))
    for name in ("values", "intervals", "control", "predictions", "labels"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    assert (again.layers, again.classes, again.table()) == (found.layers, found.classes,
                                                           found.table())  # fmt: skip
    figure = again.plot()
    assert isinstance(figure, Figure)
    line = next(line for line in figure.axes[0].lines if line.get_label() == "accuracy")
    assert np.allclose(line.get_ydata(), found.values)
    assert len(found.table()[0]) == len(found.columns)
    assert "keeps" in found._repr_html_()


def test_files_with_labels(tmp_path: Path) -> None:
    case = zoo.SHAPES["flat_functional"]()
    rng = np.random.default_rng(0)
    files, labels = [], []
    for k, kind in itertools.product(range(8), ("dark", "light")):
        pixels = rng.integers(0, 60, (12, 16, 3)) + (150 if kind == "light" else 0)
        files.append(tmp_path / f"{kind}{k}.png")
        labels.append(kind)
        Image.fromarray(pixels.astype(np.uint8)).save(files[-1])
    found = ks.probe(case.model, files, labels, "conv1", preprocess="unit", shuffles=1)
    assert found.values[0] == 1
    assert any("16 examples are few" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"layers": "kept"}, ks.BadLayer, "kept"),
        ({"layers": []}, ks.BadLayer, "empty"),
        ({"labels": [0, 1] * 5}, ks.BadInput, "10 labels for 20 examples"),
        ({"labels": [0] * 20}, ks.BadInput, "nothing to tell apart"),
        ({"labels": [0] * 19 + [1]}, ks.BadInput, "class '1' has 1 example"),
        ({"labels": [1.5] * 20}, ks.BadInput, "nothing to tell"),
        ({"labels": [np.nan] * 20}, ks.BadInput, "NaN"),
        ({"labels": [[0, 1]] * 10}, ks.BadInput, "shape"),
        ({"labels": [None, 1] * 10}, ks.BadInput, "type object"),
        ({"folds": 1}, ks.BadInput, "folds=1"),
        ({"shuffles": 0}, ks.BadInput, "shuffles=0"),
        ({"strength": -1}, ks.BadInput, "strength=-1"),
        ({"pool": "max"}, ks.BadInput, "pool='max'"),
        ({"memory": "100B"}, ks.BadInput, "take more than 100 bytes"),
        ({"inputs": np.zeros((20, 5), "float32")}, ks.BadInput, "takes"),
    ],
)
def test_bad_input_is_named(
    net: keras.Model, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    x, y = told(20)
    given: dict[str, Any] = {"inputs": x, "labels": y, "layers": ["keeps", "destroys"], **options}
    with pytest.raises(kind, match=words) as raised:
        ks.probe(net, given.pop("inputs"), given.pop("labels"), **given)
    assert "\n" not in str(raised.value)


def test_a_rare_class_means_fewer_folds(net: keras.Model) -> None:
    x, _ = told(20)
    found = ks.probe(net, x, [0] * 17 + [1] * 3, "keeps", shuffles=1)
    assert any("3 folds, not 5" in note for note in found.notes)
