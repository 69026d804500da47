"""Which method makes the maps: the one with the better grade, where that is worth a look."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from kerascope.audit import choice
from kerascope.audit.choice import best_maps
from kerascope.audit.front import audit
from kerascope.audit.prepared import Prepared, prepare


@pytest.fixture(scope="module")
def net() -> Any:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(6, 3, activation="relu", padding="same", name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def pictures() -> Any:
    return np.random.default_rng(0).random((24, 12, 12, 3)).astype(np.float32)


def ready_of(net: Any, pictures: Any) -> Prepared:
    return prepare(net, pictures, labels=np.arange(len(pictures)) % 3)


def chosen(ready: Prepared) -> list[str]:
    return [one["name"] for one in ready.eyes.settings["methods"]]


def scored(monkeypatch: pytest.MonkeyPatch, **scores: float) -> None:
    monkeypatch.setattr(choice, "WORTH", 8)
    monkeypatch.setattr(choice, "_score", lambda ready, name, inputs: scores.get(name))


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ({"grad_cam": 0.5, "layer_cam": 0.61}, "layer_cam"),
        ({"grad_cam": 0.5, "layer_cam": 0.59}, "grad_cam"),
        ({"grad_cam": 0.5, "hires_cam": 0.7, "layer_cam": 0.8}, "layer_cam"),
        ({"gradient_x_input": 0.1}, "gradient_x_input"),
        ({}, "grad_cam"),
    ],
)
def test_the_better_grade_by_a_tenth(
    net: Any, pictures: Any, monkeypatch: pytest.MonkeyPatch, scores: dict[str, float], wanted: str
) -> None:
    scored(monkeypatch, **scores)
    found, notes = best_maps(ready_of(net, pictures))
    assert chosen(found) == [wanted]
    assert len(notes) == bool(scores)
    assert all(f"{value:.2f}" in notes[0] for value in scores.values())


def test_grades_are_measured_and_the_rows_say_which_method(
    net: Any, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "WORTH", 8)
    ready = ready_of(net, pictures)
    inputs = choice._samples(ready)
    assert inputs.shape == (4, 12, 12, 3)
    scores = {name: choice._score(ready, name, inputs) for name in ("grad_cam", "layer_cam")}
    assert all(score is not None and 0 < score < 1 for score in scores.values())
    found = audit(net, pictures, labels=np.arange(24) % 3)
    (note,) = [note for note in found.notes if "mean grades of 4 samples" in note]
    assert f"Grad-CAM {scores['grad_cam']:.2f}" in note
    assert f"LayerCAM {scores['layer_cam']:.2f}" in note
    assert set(found.to_pandas()["method"].dropna()) == set(chosen(best_maps(ready)[0]))


def test_no_look_where_it_is_not_worth_it(net: Any, pictures: Any) -> None:
    ready = ready_of(net, pictures)
    assert best_maps(ready) == (ready, ())


def test_no_look_at_what_can_be_read_once(
    net: Any, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, layer_cam=1.0)
    ready = prepare(net, iter(pictures), labels=np.arange(24) % 3)
    assert best_maps(ready) == (ready, ())


def test_methods_given_are_taken(net: Any, pictures: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, layer_cam=1.0, grad_cam=0.0)
    found = audit(net, pictures, labels=np.arange(24) % 3, methods="hires_cam")
    assert set(found.to_pandas()["method"].dropna()) == {"hires_cam"}


def test_a_method_that_is_refused_has_no_score(
    pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "WORTH", 8)
    keras.utils.set_random_seed(4)
    flat = keras.Sequential(
        [keras.layers.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    ready = ready_of(flat, pictures)
    assert choice._score(ready, "grad_cam", pictures[:4]) is None
    found, (note,) = best_maps(ready)
    assert chosen(found) == ["gradient_x_input"]
    assert "CAM" not in note
