"""Metrics of a real network on photographs give what the papers report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
import metrics.subjects as subjects
from kerascope.hooks import HookedModel
from kerascope.metrics import GridPointingGame, ModelParameterRandomization, RandomLogit
from once import only_on

pytestmark = [pytest.mark.real, only_on("tensorflow")]

PICTURES = ("coral_cat.bmp", "captum_zebra.jpg", "tfkv_goldfish.jpg", "coral_parrot.jpg",
            "coral_bird.bmp", "tfkv_bear.jpg", "captum_siamese.jpg", "coral_owl.jpg")  # fmt: skip
METHODS = ("gradient", "grad_cam", "guided_backprop")


@pytest.fixture(scope="module")
def measured(real: Path) -> dict[str, Any]:
    """Return each method's maps of eight animals by MobileNetV1."""
    model = ks.load_model(real / "models" / "mobilenet_v1_025_224_imagenet.keras")
    view = HookedModel(model, batch_size=8)
    pictures = [ks.load_images(real / "images" / name, model).inputs for name in PICTURES]
    x = np.concatenate(pictures)
    return {method: subjects.of_model(model, x, method, view=view) for method in METHODS}


def test_guided_backprop_hardly_sees_the_weights_above(measured: dict[str, Any]) -> None:
    """Adebayo et al. 2018: half of the layers, from the top, matter to the others."""
    metric = ModelParameterRandomization(similarity="spearman")
    upper = {
        method: float(np.nanmean(metric.cascade(subject).similarity[:, :5]))
        for method, subject in measured.items()
    }
    assert upper["guided_backprop"] > 0.6
    assert upper["gradient"] < 0.4
    assert upper["grad_cam"] < 0.3


def test_guided_backprop_hardly_sees_the_class(measured: dict[str, Any]) -> None:
    """Sixt et al. 2020."""
    alike = {method: RandomLogit().measure(subject) for method, subject in measured.items()}
    assert alike["guided_backprop"].min() > 0.9
    assert np.nanmean(alike["gradient"]) < 0.6
    assert np.nanmean(alike["grad_cam"]) < 0.6


def test_grad_cam_finds_the_cell_and_the_gradient_does_not(measured: dict[str, Any]) -> None:
    found = {
        method: np.nanmean(GridPointingGame(confidence=0.1).measure(subject))
        for method, subject in measured.items()
    }
    assert found["grad_cam"] > found["gradient"] + 0.15
    assert found["gradient"] < 0.45
