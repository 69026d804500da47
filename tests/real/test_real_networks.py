"""Real networks on photographs: the maps fall on the objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from kerascope.hooks import HookedModel

pytestmark = pytest.mark.real

# Words in the ImageNet name of the prediction that make it the object that the box was drawn round.
RIGHT = {
    "kvis_ouzel1.jpg": ("water_ouzel",),
    "tfkv_bear.jpg": ("brown_bear",),
    "tfkv_goldfish.jpg": ("goldfish",),
    "captum_zebra.jpg": ("zebra",),
    "captum_elephant.jpg": ("tusker", "African_elephant", "Indian_elephant"),
    "captum_siamese.jpg": ("Siamese_cat",),
    "coral_bird.bmp": ("chickadee",),
    "coral_cat.bmp": ("Egyptian_cat", "tabby", "tiger_cat"),
    "coral_owl.jpg": ("great_grey_owl",),
    "coral_parrot.jpg": ("macaw",),
    "coral_hot_dog.jpg": ("hotdog",),
    "coral_sunflower.bmp": ("daisy",),
    "pair_doberman.png": ("Doberman",),
}


def _inside(
    peak: tuple[int, int], boxes: list[list[float]], size: tuple[int, int], grid: int
) -> bool:
    """Tell whether a peak (y, x) on a `grid` × `grid` map lies in a box of the original picture."""
    x, y = (peak[1] + 0.5) / grid * size[0], (peak[0] + 0.5) / grid * size[1]
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)


def hits(view: Any, real: Path, names: list[str]) -> dict[str, bool]:
    """Return, for every picture predicted rightly, whether the Grad-CAM peak is in its box."""
    drawn = json.loads((real / "boxes.json").read_text())
    found = {}
    for name in names:
        pictures = ks.load_images(real / "images" / name, view.model)
        result = ks.explain(view, pictures, "grad_cam")
        if not any(word in result.explained[0] for word in RIGHT[name]):
            continue
        heat = result.heatmap()[0]
        peak = np.unravel_index(heat.argmax(), heat.shape)
        boxes = [box for group in drawn[name]["boxes_xyxy"].values() for box in group]
        found[name] = _inside(peak, boxes, drawn[name]["size"], heat.shape[0])
    return found


@pytest.fixture(scope="module")
def mobilenet_v2(real: Path) -> HookedModel:
    labels = real / "imagenet_class_index.json"
    model = ks.load_model(real / "models" / "mobilenet_v2_100_224_imagenet.keras", labels=labels)
    return HookedModel(model)


def test_grad_cam_peaks_lie_in_the_boxes_mobilenet_v2(
    mobilenet_v2: HookedModel, real: Path
) -> None:
    found = hits(mobilenet_v2, real, list(RIGHT))
    assert len(found) >= 10, found
    assert sum(found.values()) >= 0.9 * len(found), found


def test_grad_cam_peaks_lie_in_the_boxes_mobilenet_v1(real: Path) -> None:
    labels = real / "imagenet_class_index.json"
    model = ks.load_model(real / "models" / "mobilenet_v1_025_224_imagenet.keras", labels=labels)
    found = hits(HookedModel(model), real, list(RIGHT))
    assert len(found) >= 5, found
    assert sum(found.values()) >= 0.9 * len(found), found


@pytest.mark.parametrize(
    ("method", "fields", "margin"),
    [
        ("grad_cam", {}, 2.0),
        ("lrp", {"composite": "epsilon_plus"}, 1.3),
        ("lrp", {"composite": "epsilon_plus_flat"}, 1.3),
        ("lrp", {"composite": "epsilon_gamma_box"}, 1.3),
    ],
)
def test_dog_and_cat_fall_on_the_right_animal(
    mobilenet_v2: HookedModel, real: Path, method: str, fields: dict[str, Any], margin: float
) -> None:
    pictures = ks.load_images(real / "images" / "gradcam_dog_cat_both.png", mobilenet_v2.model)
    drawn = json.loads((real / "boxes.json").read_text())["gradcam_dog_cat_both.png"]
    targets = ("boxer", "bull_mastiff", "tiger_cat", "tabby")
    result = ks.explain(mobilenet_v2, pictures, method, target=targets, **fields)
    for k, animal in enumerate(("dog", "dog", "cat", "cat")):
        heat = np.maximum(result.heatmap()[0, k], 0)
        peak = np.unravel_index(heat.argmax(), heat.shape)
        assert _inside(peak, drawn["boxes_xyxy"][animal], drawn["size"], 224), (targets[k], peak)
        other = "cat" if animal == "dog" else "dog"
        mass = {}
        for which in (animal, other):
            x0, y0, x1, y1 = drawn["boxes_xyxy"][which][0]
            mass[which] = heat[y0:y1, x0:x1].sum()
        assert mass[animal] > margin * mass[other], (targets[k], mass)


def test_resnet8_agrees_with_its_legacy_file(real: Path) -> None:
    labels = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    results = []
    for name in ("resnet8_cifar10.keras", "mlperf_tiny_resnet8_cifar10.h5"):
        model = ks.load_model(real / "models" / name, labels=labels)
        pictures = ks.load_images(
            [real / "images" / n for n in ("tfjs_cat.jpg", "coral_bird.bmp")],
            model,
            preprocess="none",
        )
        results.append(ks.explain(HookedModel(model), pictures, "grad_cam", target="top-3"))
    scale = np.abs(results[0].values).max()
    assert np.abs(results[0].values - results[1].values).max() <= 1e-4 * scale
    assert "activation_6" in str(results[0].layer) or results[0].values.shape[-2:] == (8, 8)


def test_mini_xception_on_grey(real: Path) -> None:
    model = ks.load_model(real / "models" / "fer2013_mini_XCEPTION.102-0.66.hdf5")
    pictures = ks.load_images(real / "images" / "tfjs_cat.jpg", model, preprocess="tf")
    result = ks.explain(HookedModel(model), pictures, "cam")
    assert result.values.shape[0] == 1
    assert np.ptp(result.values) > 0
    # Global average pooling and softmax: the map's mean is the logit, there is no bias to add.
    grad_cam = ks.explain(HookedModel(model), pictures, "hires_cam", relu=False)
    signed = result.extras["signed"]
    total = grad_cam.values * np.prod(signed.shape[1:])
    assert np.allclose(signed, total, rtol=1e-3, atol=1e-3 * np.abs(signed).max())
