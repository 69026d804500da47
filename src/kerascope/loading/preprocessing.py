"""From pixels 0…255 to what a model was trained on, and how that is found out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.facts import facts_of
from kerascope.loading.wants import hub_converter, inner_scaling, leaves, models_in
from kerascope.types import Array

AUTO = "auto"
HUB = "hub"  # what a KerasHub task brings itself; cannot be asked for by name
_BGR_MEAN = np.array([103.939, 116.779, 123.68], np.float32)
_RGB_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_RGB_STD = np.array([0.229, 0.224, 0.225], np.float32)


class Preprocessing(NamedTuple):
    """A named way from RGB pixels, float32 0…255, channels last, to model inputs."""

    words: str
    low: float
    high: float
    apply: Callable[[Array], Array]


PREPROCESSINGS: dict[str, Preprocessing] = {
    "none": Preprocessing("raw pixels 0…255", 0.0, 255.0, lambda x: x),
    "unit": Preprocessing("x/255", 0.0, 1.0, lambda x: x / 255),
    "tf": Preprocessing("x/127.5 − 1", -1.0, 1.0, lambda x: x / np.float32(127.5) - 1),
    "caffe": Preprocessing(
        "BGR minus the ImageNet mean", -123.68, 151.061, lambda x: x[..., ::-1] - _BGR_MEAN
    ),
    "torch": Preprocessing(
        "x/255, minus the ImageNet mean, over its standard deviation",
        -2.118,
        2.64,
        lambda x: (x / 255 - _RGB_MEAN) / _RGB_STD,
    ),
}

# Keras Applications by model name. Where a model can be built with its own scaling inside, that is
# found first, so these lines speak of the variant without.
_BY_NAME = (
    (r"vgg(16|19)", "caffe", "VGG"),
    (r"resnet(50|101|152)", "caffe", "ResNet"),
    (r"resnet(50|101|152)v2", "tf", "ResNetV2"),
    (r"inception_v3", "tf", "InceptionV3"),
    (r"inception_resnet_v2", "tf", "InceptionResNetV2"),
    (r"xception", "tf", "Xception"),
    (r"mobilenet_[\d.]+_\d+", "tf", "MobileNet"),
    (r"mobilenetv2_[\d.]+_\d+", "tf", "MobileNetV2"),
    (r"mobilenetv3(small|large)", "tf", "MobileNetV3 without Rescaling"),
    (r"densenet(121|169|201)", "torch", "DenseNet"),
    (r"nasnet(_mobile|_large)?", "tf", "NASNet"),
    (r"efficientnetb[0-7]", "none", "EfficientNet"),
    (r"efficientnetv2-b[0-3]", "torch", "EfficientNetV2 without Rescaling"),
    (r"efficientnetv2-[sml]", "tf", "EfficientNetV2 without Rescaling"),
    (r"convnext_(tiny|small|base|large|xlarge)", "torch", "ConvNeXt without Normalization"),
)

# The same by layer names, for models that were renamed; all names of a row must be there.
_BY_LAYERS = (
    ({"block1_conv1", "block5_conv3", "block5_pool"}, "caffe", "VGG"),
    ({"conv1_conv", "conv5_block3_out", "post_bn"}, "tf", "ResNetV2"),
    ({"conv1_conv", "conv1_bn", "conv5_block3_out"}, "caffe", "ResNet"),
    ({"conv_dw_1", "conv_pw_13_relu"}, "tf", "MobileNet"),
    ({"Conv1", "block_16_project", "out_relu"}, "tf", "MobileNetV2"),
    ({"mixed0", "mixed10"}, "tf", "InceptionV3"),
    ({"mixed_7a", "conv_7b"}, "tf", "InceptionResNetV2"),
    ({"block14_sepconv2", "block1_conv1"}, "tf", "Xception"),
    ({"conv2_block1_concat", "conv5_block1_concat"}, "torch", "DenseNet"),
)


def known_application(model: Any) -> tuple[str, str] | None:
    """Return the preprocessing that a model's layers or names tell, and why; or None."""
    inner = inner_scaling(model)
    if inner is not None:
        return inner
    named_as = _named_application(model)
    if named_as is not None:
        name, known, family = named_as
        return known, f"'{name}' is {family} of Keras Applications"
    names = {getattr(leaf, "name", "") for leaf in leaves(model)}
    for wanted, known, family in _BY_LAYERS:
        if wanted <= names:
            layers = ", ".join(f"'{layer}'" for layer in sorted(wanted))
            return known, f"the layer names ({layers}) are those of {family} of Keras Applications"
    return None


def _named_application(model: Any) -> tuple[str, str, str] | None:
    """Return name, preprocessing and family of the application that a model is or holds."""
    for part in models_in(model):
        name = str(getattr(part, "name", ""))
        for pattern, known, family in _BY_NAME:
            if re.fullmatch(rf"{pattern}(_\d+)?", name, re.IGNORECASE):
                return name, known, family
    return None


def usual_size(model: Any) -> tuple[tuple[int, int], str] | None:
    """Return (height, width) for a model that leaves it open, and why; None when nothing tells."""
    size = getattr(hub_converter(model), "image_size", None)
    if size is not None:
        return (int(size[0]), int(size[1])), "of the model's own image converter"
    found = _named_application(model)
    if found is None:
        return None
    side = 299 if found[2].startswith(("Inception", "Xception")) else 224
    return (side, side), f"as '{found[0]}' was trained on"


def decide(model: Any) -> tuple[str, str]:
    """Return the name of the preprocessing of a model's pictures and why it was chosen.

    Looked at in turn: what is known beside the model, KerasHub's converter, layers inside it that
    scale, the known application. Raises `BadInput` that asks for a name when none of them tells.
    """
    fact = facts_of(model).preprocessing
    if fact is not None:
        source = facts_of(model).source
        return fact, f"it is known of {source}" if source else "it is known of this model"
    if hub_converter(model) is not None:
        return HUB, "it brings its own image converter"
    found = known_application(model)
    if found is None:
        ways = ", ".join(f"{name} ({way.words})" for name, way in PREPROCESSINGS.items())
        raise BadInput(
            "how this model's pictures were preprocessed cannot be told from the model; "
            f"say it with --preprocess NAME (preprocess=…), one of: {ways}"
        )
    return found


def named(name: str) -> Preprocessing:
    """Return a preprocessing by name; raise `BadInput` with the choices."""
    if name not in PREPROCESSINGS:
        raise BadInput(f"preprocess='{name}' is not known{choices(name, (AUTO, *PREPROCESSINGS))}")
    return PREPROCESSINGS[name]


def range_hint(model: Any, array: Any) -> str | None:
    """Return a sentence when the values of `array` lie in another range than the model expects.

    None when they fit, or when what the model expects cannot be told.
    """
    try:
        name, why = decide(model)
    except BadInput:
        return None
    values = np.asarray(array)
    if name not in PREPROCESSINGS or values.size == 0 or values.dtype.kind not in "fiu":
        return None
    low, high = float(values.min()), float(values.max())
    seems = _seems(low, high)
    if low == high or seems is None or _agrees(name, seems, low):
        return None
    wanted = PREPROCESSINGS[name]
    return (
        f"values lie in {low:.3g}…{high:.3g}, which looks like {PREPROCESSINGS[seems].words}, but "
        f"the model takes {name} ({wanted.words}), because {why}"
    )


def _seems(low: float, high: float) -> str | None:
    """Return the preprocessing that a range of values looks like, None when it is unclear."""
    if low >= 0:
        return "unit" if high <= 1 else "none" if high > 8 else None
    if low >= -1.001 and high <= 1.001:
        return "tf"
    return "torch" if low > -3 and high < 3.5 else "caffe" if high > 8 else None


def _agrees(name: str, seems: str, low: float) -> bool:
    """Say whether values that look like `seems` may be inputs of `name`."""
    if name == "torch" and seems == "tf":  # a picture of low contrast
        return True
    if name == "caffe" and seems in ("caffe", "none"):  # a bright picture has no negative value
        return seems == "caffe" or low == 0
    return name == seems
