"""The grid pointing game: mosaics, maps that know the cell, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.errors import BadMethod, Refused
from kerascope.metrics import GridPointingGame
from kerascope.metrics.grid_pointing import _boxes, _mosaic
from kerascope.resize import overlaps

COLOURS = 4


def _scores(x: np.ndarray) -> np.ndarray:
    """Say how much of each of four colours there is: a class is a channel."""
    total = x.sum(axis=(1, 2))
    return total / total.sum(axis=1, keepdims=True)


def _samples(classes: list[int], size: tuple[int, int] = (6, 8)) -> np.ndarray:
    x = np.full((len(classes), *size, COLOURS), 0.01, np.float32)
    for sample, kind in zip(x, classes, strict=True):
        sample[..., kind] = 1
    return x


def _subject(classes: list[int], explain: Any, said: list[int] | None = None) -> Any:
    """Return a subject whose method is `explain(mosaic rows, classes of the rows)`."""
    x = _samples(classes)
    subject = subjects.of_function(_scores, x, x[..., 0], target=said or classes)
    (name,) = subject.x
    own = np.array(said or classes)
    subject.explain = lambda rows, samples, **_: {name: explain(rows[name], own[samples])}
    return subject


def _knows(rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    return np.stack([row[..., kind] > 0.5 for row, kind in zip(rows, classes, strict=True)]) * 1.0


CLASSES = [0, 1, 2, 3, 3, 2, 1, 0]


def test_a_map_that_knows_the_cell_is_best() -> None:
    subject = _subject(CLASSES, _knows)
    np.testing.assert_array_equal(GridPointingGame().measure(subject), 1)


def test_its_opposite_is_worst_and_a_constant_is_chance() -> None:
    worst = _subject(CLASSES, lambda rows, kinds: 1 - _knows(rows, kinds))
    np.testing.assert_array_equal(GridPointingGame().measure(worst), 0)
    constant = _subject(CLASSES, lambda rows, kinds: np.ones(rows.shape[:3]))
    np.testing.assert_allclose(GridPointingGame().measure(constant), 0.25)
    against = _subject(CLASSES, lambda rows, kinds: -np.ones(rows.shape[:3]))
    assert np.isnan(GridPointingGame().measure(against)).all()


def test_every_sample_is_in_one_mosaic_of_distinct_classes() -> None:
    seen: list[np.ndarray] = []

    def explain(rows: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        assert sorted(kinds) == [0, 1, 2, 3]
        assert all(np.array_equal(row, rows[0]) for row in rows)
        seen.append(rows[0])
        return _knows(rows, kinds)

    found = GridPointingGame().measure(_subject([*CLASSES, 0, 1, 2], explain))
    assert len(seen) == 2
    assert np.isnan(found).sum() == 3, "one class is used up: the rest is in no mosaic"


def test_samples_said_wrongly_or_unsurely_are_left_out() -> None:
    wrong = _subject(CLASSES, _knows, said=[1, *CLASSES[1:]])
    for confidence in (0, 0.5):
        found = GridPointingGame(confidence=confidence).measure(wrong)
        assert np.isnan(found[0])
        assert np.isfinite(found).sum() == 4
    with pytest.raises(Refused, match="samples of 3 are rightly predicted with at least 0"):
        GridPointingGame(confidence=0).measure(_subject([0, 1, 2, 0], _knows, said=[0, 1, 2, 3]))
    with pytest.raises(Refused, match=r"needs 4 classes; samples of 0 .* at least 0.99"):
        GridPointingGame(confidence=0.99).measure(_subject(CLASSES, _knows))
    with pytest.raises(Refused, match="needs 4 classes; samples of 2"):
        GridPointingGame().measure(_subject([0, 1, 0, 1], _knows))


def test_mosaics_shrink_by_averaging() -> None:
    """Each cell has the mean of its sample; its parts the means of theirs."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(4, 6, 8, 3)).astype(np.float32)
    boxes = _boxes([6, 8], 2)
    mosaic = _mosaic(samples, [1, 2], boxes)
    for sample, box in zip(samples, boxes, strict=True):
        expected = sample.reshape(3, 2, 4, 2, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(mosaic[box], expected, atol=1e-6)
    first = _mosaic(np.moveaxis(samples, -1, 1), [2, 3], boxes)
    np.testing.assert_allclose(np.moveaxis(first, 0, -1), mosaic, atol=1e-6)
    odd = overlaps(7, 3) * 3 / 7
    np.testing.assert_allclose(odd.sum(axis=1), 1)
    np.testing.assert_allclose(odd.sum(axis=0), 3 / 7)
    np.testing.assert_allclose(odd[0], np.array([1, 1, 1 / 3, 0, 0, 0, 0]) * 3 / 7)


def test_series_have_cells_in_time() -> None:
    x = np.full((2, 8, 2), 0.01, np.float32)
    x[0, :, 0] = x[1, :, 1] = 1
    subject = subjects.of_function(
        lambda r: r.sum(1) / r.sum((1, 2))[:, None], x, x[..., 0], target=[0, 1]
    )
    subject.explain = lambda rows, samples, **_: {
        "input": np.stack([row[:, k] > 0.5 for row, k in zip(rows["input"], samples, strict=True)])
    }
    np.testing.assert_array_equal(GridPointingGame().measure(subject), 1)


def test_what_cannot_be_a_mosaic_is_refused() -> None:
    for name, why in [
        ("token_ids", "pictures or series"),
        ("shared_encoder", "one input"),
        ("regression_head", "no classes"),
    ]:
        with pytest.raises(Refused, match=why):
            GridPointingGame().measure(subjects.of_zoo(name, "gradient_x_input"))
    with pytest.raises(BadMethod, match="grid=1"):
        GridPointingGame(grid=1)
    with pytest.raises(BadMethod, match="confidence=2"):
        GridPointingGame(confidence=2)


def test_gradient_of_a_net_that_reads_colours_finds_the_cells() -> None:
    """A Keras model and a real method, on each backend."""
    import keras

    i = keras.Input((6, 8, COLOURS))
    x = keras.layers.Conv2D(COLOURS, 1, use_bias=False, name="conv")(i)
    model = keras.Model(i, keras.layers.Softmax()(keras.layers.GlobalAveragePooling2D()(x)))
    model.get_layer("conv").set_weights([20 * np.eye(COLOURS)[None, None] - 5])
    subject = subjects.of_model(
        model, _samples(CLASSES), "gradient_x_input", target=list(CLASSES), score="probability"
    )
    found = GridPointingGame().measure(subject)
    assert (found > 0.95).all()
