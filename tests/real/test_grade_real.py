"""Grades on a photograph: what falls on the object is above what falls everywhere."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.plot import alt_text
from once import only_on

pytestmark = [pytest.mark.real, only_on("tensorflow")]


def test_a_bear_is_graded(real: Path) -> None:
    net = ks.load_model(
        real / "models" / "mobilenet_v2_100_224_imagenet.keras",
        labels=real / "imagenet_class_index.json",
    )
    picture = ks.load_images(real / "images" / "tfkv_bear.jpg", net)
    # JAX compiles every op by itself where it does not compile the whole
    view = HookedModel(net, compiled=keras.backend.backend() == "jax")
    found = {}
    for method in ("grad_cam", "deconvnet"):
        result = ks.explain(view, picture, method, grade=True)
        found[method] = result.grades(0)[0]
        assert alt_text(result).endswith(f"; grade {found[method].letter}.")
    assert found["grad_cam"].score > found["deconvnet"].score + 0.1
    assert found["grad_cam"].letter < found["deconvnet"].letter == "D"
    assert found["grad_cam"].checks["removal"] > found["grad_cam"].checks["edge"]
