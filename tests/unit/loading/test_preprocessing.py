"""Preprocessing is found out from the model, said in words, and asked for when unknown."""

from __future__ import annotations

import numpy as np
import pytest

from kerascope.errors import BadInput
from kerascope.facts import remember
from kerascope.loading import PREPROCESSINGS, range_hint
from kerascope.loading.preprocessing import decide, known_application


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vgg16", "caffe"),
        ("resnet50", "caffe"),
        ("resnet101v2", "tf"),
        ("inception_v3", "tf"),
        ("inception_resnet_v2", "tf"),
        ("xception", "tf"),
        ("mobilenet_0.25_224", "tf"),
        ("mobilenetv2_1.00_224", "tf"),
        ("MobileNetV3Small", "tf"),
        ("densenet121", "torch"),
        ("NASNet", "tf"),
        ("efficientnetb0", "none"),
        ("efficientnetv2-s", "tf"),
        ("efficientnetv2-b0", "torch"),
        ("convnext_tiny", "torch"),
        ("vgg16_1", "caffe"),
    ],
)
def test_applications_are_known_by_name(pretend, layer, name, expected):
    base = pretend(name=name, layers=[layer("InputLayer"), layer("Conv2D", weights=[1])])
    assert known_application(base)[0] == expected
    assert known_application(pretend(layers=[base]))[0] == expected  # transfer learning


@pytest.mark.parametrize(
    "name", ["model", "resnet8", "my_vgg16_like", "mini_XCEPTION", "mobilenet"]
)
def test_other_names_tell_nothing(pretend, name):
    assert known_application(pretend(name=name)) is None


def test_renamed_applications_are_known_by_their_layers(pretend, layer):
    names = ("conv1_conv", "conv1_bn", "conv5_block3_out")
    model = pretend(layers=[layer("Conv2D", name, weights=[1]) for name in names])
    assert known_application(model)[0] == "caffe"
    model.layers.append(layer("BatchNormalization", "post_bn"))
    found, why = known_application(model)
    assert found == "tf"
    assert "ResNetV2" in why


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(1 / 255, "none"), (1 / 127.5, "none"), ([1 / 255] * 3, "none"), (2.0, "unit"), (255, "unit")],
)
def test_rescaling_inside_wins_over_the_name(pretend, layer, scale, expected):
    inner = pretend(layers=[layer("InputLayer"), layer("Rescaling", "scale", scale=scale)])
    name, why = known_application(pretend(name="mobilenetv2_1.00_224", layers=[inner]))
    assert name == expected
    assert "'scale' (Rescaling)" in why


def test_only_scaling_before_the_first_weights_counts(pretend, layer):
    layers = [layer("Conv2D", weights=[1]), layer("Rescaling", scale=1 / 255)]
    assert known_application(pretend(layers=layers)) is None
    assert known_application(pretend(layers=layers[::-1]))[0] == "none"


def test_arithmetic_of_the_graph_counts_merging_layers_do_not(pretend, layer):
    operation = type("TrueDivide", (), {"name": "true_divide"})()
    assert known_application(pretend(layers=[operation]))[0] == "none"
    assert known_application(pretend(layers=[layer("Multiply")])) is None


def test_facts_beside_the_model_come_first(pretend):
    model = pretend(name="vgg16")
    remember(model, preprocessing="unit", source="net.keras")
    assert decide(model) == ("unit", "it is known of net.keras")


def test_the_unknown_is_asked_for_with_all_choices(pretend):
    with pytest.raises(BadInput) as caught:
        decide(pretend())
    assert "--preprocess NAME" in str(caught.value)
    assert all(name in str(caught.value) for name in PREPROCESSINGS)


@pytest.mark.parametrize("name", sorted(PREPROCESSINGS))
def test_numbers_and_declared_range(name):
    way = PREPROCESSINGS[name]
    corners = np.array([[[[0, 0, 0]], [[255, 255, 255]], [[255, 0, 0]]]], np.float32)
    values = way.apply(corners.copy())
    assert values.min() == pytest.approx(way.low, abs=1e-3)
    assert values.max() == pytest.approx(way.high, abs=1e-3)
    red = values[0, 2, 0]
    assert red.argmax() == (2 if name == "caffe" else 0)


def test_hints_for_the_wrong_range(pretend, layer):
    rng = np.random.default_rng(0)
    pixels = rng.uniform(0, 255, (2, 8, 8, 3))
    rescaled = pretend(layers=[layer("Rescaling", "scale", scale=1 / 255)])
    assert range_hint(rescaled, pixels) is None
    hint = range_hint(rescaled, pixels / 255)
    assert "looks like x/255" in hint
    assert "'scale' (Rescaling) scales 0…255 inside the model" in hint
    mobile = pretend(name="mobilenet_1.00_224")
    assert range_hint(mobile, pixels / 127.5 - 1) is None
    assert "raw pixels" in range_hint(mobile, pixels)
    assert "x/255" in range_hint(mobile, pixels / 255)


@pytest.mark.parametrize("name", sorted(PREPROCESSINGS))
def test_no_hint_for_what_was_prepared_rightly(pretend, name):
    model = pretend()
    remember(model, preprocessing=name)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.float32)
    assert range_hint(model, PREPROCESSINGS[name].apply(pixels)) is None


def test_no_hint_where_nothing_can_be_said(pretend):
    assert range_hint(pretend(), np.zeros((1, 8, 8, 3))) is None
    black = pretend(name="vgg16")
    assert range_hint(black, np.zeros((1, 8, 8, 3))) is None
    assert range_hint(black, np.zeros((0, 8, 8, 3))) is None
