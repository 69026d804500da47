"""Concepts of a real network: a zebra has stripes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from concepts import textures
from kerascope.concepts.craft.windows import windows_of
from once import only_on

pytestmark = [pytest.mark.real, only_on("tensorflow")]
PICTURES = (
    "captum_zebra.jpg", "coral_cat.bmp", "captum_siamese.jpg", "tfjs_cat.jpg",
    "gradcam_dog_cat_both.png", "pair_doberman.png", "tfkv_bear.jpg", "captum_elephant.jpg",
)  # fmt: skip


@pytest.fixture(scope="module")
def net(real: Path) -> Any:
    labels = real / "imagenet_class_index.json"
    return ks.load_model(real / "models" / "mobilenet_v2_100_224_imagenet.keras", labels=labels)


def crops_of(net: Any, files: list[Path], share: float) -> np.ndarray:
    """Return crops of photographs as the network takes them, in a random order."""
    x = {"a": ks.load_images(files, net).inputs}
    windows = windows_of({"a": ("y", "x", "channel")}, x, share)
    order = np.random.default_rng(0).permutation(len(files) * len(windows))
    return windows.cut(x, *np.divmod(order, len(windows)))["a"]


def test_the_first_concept_of_a_zebra_is_its_coat(net: Any, real: Path) -> None:
    files = [real / "images" / name for name in PICTURES]
    found = ks.craft(net, files, "zebra", "out_relu", concepts=8, designs=16)
    assert found.importances[0] > 0.5
    assert found.importances[0] > 3 * found.importances[1]
    crops = found.top(0, 6)
    assert all(name.startswith("captum_zebra") for name in crops.names)
    box = json.loads((real / "boxes.json").read_text())["captum_zebra.jpg"]
    (x0, y0, x1, y1), (width, height) = box["boxes_xyxy"]["zebra"][0], box["size"]
    row, column = np.unravel_index(found.maps[0, 0].argmax(), found.maps.shape[2:])
    lines, columns = found.maps.shape[2:]
    assert y0 <= (row + 0.5) / lines * height <= y1
    assert x0 <= (column + 0.5) / columns * width <= x1


def test_stripes_are_a_concept_of_a_zebra(net: Any, real: Path) -> None:
    zebra = crops_of(net, [real / "images" / "captum_zebra.jpg"], 0.55)
    others = sorted(
        path for path in (real / "images").iterdir()
        if path.suffix in (".jpg", ".png", ".bmp") and "zebra" not in path.name
    )  # fmt: skip
    pool = crops_of(net, others[:10], 0.3)
    concepts = {
        "stripes": textures.stripes(20).astype("float32") / 127.5 - 1,
        "anything": pool[:20],
    }
    found = ks.tcav(net, concepts, zebra, "zebra", "block_10_expand_relu", random=pool[20:],
                    runs=12, pool="mean")  # fmt: skip
    assert found.of("stripes").mean() > 0.75
    assert found.random_scores.mean() < 0.65
    assert found.significant[0, 0]
    assert not found.significant[1, 0]
