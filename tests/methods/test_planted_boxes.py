"""Detectors: the thing under the box is found; KerasHub's raw heads are read."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import places_nets
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.targets.found import BOX, BOXES
from once import not_on_jax

pytestmark = not_on_jax

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its imports say of others
    hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed")


def test_default_method_finds_the_thing_under_the_box() -> None:
    """The box hangs on its cell alone: 2 % of the picture."""
    case = places_nets.detection()
    found = ks.explain(case.net, case.x[:2])
    assert found.method.name == "d_rise"
    assert found.method.masks == 1000
    assert case.inside(found, case.boxes[:2, 0]).min() > 0.3
    for one, (x0, y0, x1, y1) in zip(found.heatmap(), case.boxes[:, 0], strict=False):
        y, x = np.unravel_index(one.argmax(), one.shape)
        assert x0 <= x < x1
        assert y0 <= y < y1


def test_slopes_of_a_box_lie_in_it() -> None:
    """Methods with gradients explain the class of the box: no pixel outside has any part in it."""
    case = places_nets.detection()
    grid = places_nets.example("detection").grid_detector()
    remember(grid, boxes=case.format)
    for target, row in (("detection", 0), ("detection-2", 1)):
        found = ks.explain(HookedModel(grid, compiled=False), case.x, "gradient", target=target)
        assert case.inside(found, case.boxes[:, row]).min() == pytest.approx(1, abs=1e-5)
        kind = case.labels[case.kinds[0, row]]
        assert found.explained[0].startswith(f"sureness of '{kind}' in box")


def retina_net() -> Any:
    keras.utils.set_random_seed(0)
    resnet = hub.models.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1] * 4, stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block", image_shape=(64, 96, 3),
    )  # fmt: skip
    backbone = hub.models.RetinaNetBackbone(
        image_encoder=resnet, min_level=4, max_level=5, use_p5=False, image_shape=(64, 96, 3)
    )
    anchors = hub.layers.AnchorGenerator(
        "yxyx", min_level=4, max_level=5, num_scales=1, aspect_ratios=[1.0, 2.0], anchor_size=4.0
    )
    return hub.models.RetinaNetObjectDetector(
        backbone, num_classes=3, bounding_box_format="yxyx", anchor_generator=anchors,
        pre_logits_num_conv_layers=1, preprocessor=None,
    )  # fmt: skip


def test_raw_head_of_keras_hub() -> None:
    """Offsets and logits, decoded with its anchors: the surest box is the one KerasHub finds."""
    net = retina_net()
    for variable in net.box_head.weights:  # its start moves every box out of the picture
        if variable.path.endswith("bias"):
            variable.assign(np.zeros(variable.shape, "float32"))
    x = np.random.default_rng(0).uniform(0, 1, (1, 64, 96, 3)).astype("float32")
    decoded = net.decode_predictions(net(x), x)
    found = ks.explain(HookedModel(net, compiled=False), x, "d_rise", masks=8)
    first = int(np.argmax(keras.ops.convert_to_numpy(decoded["confidence"])[0]))
    y0, x0, y1, x1 = keras.ops.convert_to_numpy(decoded["boxes"])[0, first]
    explained = found.extras[BOX][0]
    assert (explained[2:4] > explained[:2]).all()
    assert np.abs(explained[:4] - [x0, y0, x1, y1]).max() < 0.01
    assert explained[4] == keras.ops.convert_to_numpy(decoded["labels"])[0, first]
    assert found.extras[BOXES].shape == (1, 20, 7)
    slopes = ks.explain(net, x, "gradient")
    assert slopes.explained[0].startswith(f"logit of class {int(explained[4])} in box")
    assert np.abs(slopes.values).max() > 0
