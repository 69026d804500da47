"""Agreement with Quantus on the same maps, masks, nets and draws.

Not compared: effective complexity, which in Quantus counts values above a threshold and asks no
model; continuity and input invariance in their own units; smooth MPRT, whose noise is its own.
"""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

import metrics.subjects as subjects
from kerascope.metrics import (
    AvgSensitivity,
    Completeness,
    Continuity,
    EfficientMprt,
    EnergyPointingGame,
    Entropy,
    InputInvariance,
    LocalizationAuc,
    LocalLipschitz,
    MaxSensitivity,
    Metric,
    ModelParameterRandomization,
    NonSensitivity,
    PointingGame,
    RandomLogit,
    RelativeInputStability,
    RelativeOutputStability,
    RelativeRepresentationStability,
    RelevanceMass,
    RelevanceRank,
    Sparseness,
    TopKIntersection,
)
from parity import make_references
from parity import quantus_cases as cases

OF_MAPS = [
    PointingGame(tolerance=0), EnergyPointingGame(), RelevanceMass(), RelevanceRank(),
    LocalizationAuc(), Entropy(), Sparseness(), TopKIntersection(share=cases.K / 99),
]  # fmt: skip
NOISE = {"samples": cases.DRAWS, "radius": cases.RADIUS}
OF_NET = [
    MaxSensitivity(**NOISE), AvgSensitivity(**NOISE), LocalLipschitz(normalise=False, **NOISE),
    RelativeInputStability(**NOISE), RelativeOutputStability(**NOISE),
    RelativeRepresentationStability(layer="first", **NOISE), RandomLogit(similarity="pearson"),
    EfficientMprt(bins=cases.BINS),
]  # fmt: skip


@pytest.fixture(scope="module")
def quantus() -> dict[str, np.ndarray]:
    return make_references.load("quantus")


@functools.cache
def _net() -> Any:
    normal = keras.initializers.RandomNormal(0.0, 1.0)
    i = keras.Input((*cases.SIZE, 1))
    x = keras.layers.Flatten()(i)
    x = keras.layers.Dense(cases.HIDDEN, kernel_initializer=normal, name="first")(x)
    x = keras.layers.Activation("tanh")(x)
    model = keras.Model(i, keras.layers.Dense(2, kernel_initializer=normal, name="head")(x))
    model.set_weights(list(cases.weights()))
    return model


def _subject() -> subjects.Subject:
    return subjects.of_model(_net(), cases.pictures()[..., None], "gradient_x_input", target=0)


@pytest.mark.parametrize("metric", OF_MAPS, ids=lambda m: m.name)
def test_of_maps(quantus: dict[str, np.ndarray], metric: Metric) -> None:
    found = metric.measure(subjects.of_maps(cases.maps(), cases.masks()))
    np.testing.assert_allclose(found, quantus[metric.name], rtol=1e-5)
    assert np.ptp(found) > 0 or metric.name == "pointing_game"


@pytest.mark.parametrize("metric", OF_NET, ids=lambda m: m.name)
def test_of_a_net(quantus: dict[str, np.ndarray], metric: Metric) -> None:
    assert np.isfinite(quantus[metric.name]).all()
    np.testing.assert_allclose(metric.measure(_subject()), quantus[metric.name], rtol=2e-3)


def test_continuity(quantus: dict[str, np.ndarray]) -> None:
    """Along the width alone, as Quantus moves."""
    metric = Continuity(shifts=cases.SHIFTS, fill=0, normalise=False)
    across = quantus["continuity"]
    subject = _subject()
    assert (metric.measure(subject) >= across * (1 - 1e-4)).all(), "height counts as well"
    object.__setattr__(metric, "_axes", lambda subject: ["x"])
    np.testing.assert_allclose(metric.measure(subject), across, rtol=1e-4)


@pytest.mark.parametrize("order", ["top_down", "bottom_up", "independent"])
def test_model_parameter_randomization(quantus: dict[str, np.ndarray], order: str) -> None:
    """Quantus counts the map before anything is drawn as a stage: with a correlation of 1."""
    found = ModelParameterRandomization(order=order, stages=None).measure(_subject())
    np.testing.assert_allclose((2 * found + 1) / 3, quantus[f"mprt/{order}"], atol=1e-4)


def test_completeness(quantus: dict[str, np.ndarray]) -> None:
    """Quantus says whether values sum to the difference; on whole numbers, exactly."""
    x, w = cases.linear()
    subject = subjects.of_function(lambda r: r @ np.stack([w, -w], 1), x, x * w)
    for name, more in (("whole", 0.0), ("short", 1.0)):
        subject.gaps = np.full(len(x), -more)
        said = quantus[f"completeness/{name}"].astype(bool)
        np.testing.assert_array_equal(Completeness().measure(subject) == 0, said)


def test_non_sensitivity(quantus: dict[str, np.ndarray]) -> None:
    x, w = cases.linear()
    subject = subjects.of_function(lambda r: r @ np.stack([w, -w], 1), x, cases.sparse())
    found = NonSensitivity(segments="single", baseline=0.0).measure(subject)
    np.testing.assert_allclose(found * len(w), quantus["non_sensitivity"])
    assert set(quantus["non_sensitivity"]) == {0, 2}


def test_input_invariance(quantus: dict[str, np.ndarray]) -> None:
    """Quantus says whether maps are equal to 1e-4."""
    pictures, kernel, bias = cases.convolution()
    i = keras.Input((*cases.SIZE, 1))
    x = keras.layers.Conv2D(4, 3, activation="tanh", name="conv")(i)
    model = keras.Model(i, keras.layers.GlobalAveragePooling2D()(x))
    model.set_weights([kernel, bias])
    metric = InputInvariance(shift=cases.SHIFT / float(np.ptp(pictures)))
    for method in ("gradient", "gradient_x_input"):
        subject = subjects.of_model(model, pictures[..., None], method, target=0)
        same = metric.measure(subject) < 1e-3
        np.testing.assert_array_equal(same, quantus[f"input_invariance/{method}"].astype(bool))
