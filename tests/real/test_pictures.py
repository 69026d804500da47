"""The pictures of the methods' pages are what the methods draw now, for some that take a moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kerascope as ks
from once import once

ROOT = Path(__file__).parents[2]
SIDE = 96  # along which the figures are compared; WebP and fonts differ by less than a tenth there

pytestmark = once


@pytest.fixture(scope="module")
def on_cat(real: Path) -> Callable[[str], ks.Attribution]:
    sys.path.insert(0, str(ROOT))
    from docs_site import pictures

    model = real / "models" / "mobilenet_v2_100_224_imagenet.keras"
    return pictures.photographed(str(model), str(real / "imagenet_class_index.json"))


def small(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), float)


@pytest.mark.parametrize(
    "name", ["gradient", "grad_cam", "layer_cam", "eigen_cam", "guided_backprop", "full_grad"]
)
def test_it_is_drawn_as_committed(
    name: str, on_cat: Callable[[str], ks.Attribution], tmp_path: Path
) -> None:
    from docs_site import pictures

    pictures.save(on_cat(name), tmp_path / "now.webp")
    now, kept = small(tmp_path / "now.webp"), small(pictures.OUT / f"{name}.webp")
    assert np.abs(now - kept).mean() < 1.5, "stale: run `make pictures`"
    other = small(pictures.OUT / ("gradient.webp" if name != "gradient" else "grad_cam.webp"))
    assert np.abs(now - other).mean() > 3  # the comparison tells pictures apart
