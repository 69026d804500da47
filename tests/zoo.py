"""Seeded tiny nets of every shape people bring: the field table of the design, as code.

Each entry builds a model and inputs for it. Biases and batch-norm statistics are random too, so
that no term of a method is zero by accident.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

SHAPES: dict[str, Callable[[], Case]] = {}


@dataclasses.dataclass
class Case:
    """A model with inputs: `model(x)` works."""

    name: str
    model: Any
    x: Any
    classes: int = 3  # of the first output; 2 for a single sigmoid unit, 1 for a regression value
    target: Any = None  # a target other than the predicted class, where that makes no sense
    logits: Callable[[Any], Any] | None = None


def shape(build: Callable[[], Case]) -> Callable[[], Case]:
    """Register a builder under its function's name."""

    def seeded() -> Case:
        keras.utils.set_random_seed(7)
        case = build()
        case.name = build.__name__
        _shake(case.model)
        return case

    SHAPES[build.__name__] = seeded
    return seeded


def _shake(model: Any) -> None:
    """Set every weight from one NumPy generator, alike on every backend; activations stay alive."""
    rng = np.random.default_rng(11)
    for variable in getattr(model, "variables", ()):
        name = variable.path.rsplit("/", 1)[-1]
        shape_ = tuple(variable.shape)
        if "seed" in name or name.endswith("_scale") or "int" in str(variable.dtype):
            continue
        if name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.6, 1.4, shape_))
        elif len(shape_) < 2:
            variable.assign(rng.normal(0, 0.1, shape_))
        else:
            fan_in = int(np.prod(shape_[:-1]))
            variable.assign(rng.normal(0, 1.4 / np.sqrt(fan_in), shape_))


def pictures(count: int = 2, height: int = 12, width: int = 16, channels: int = 3) -> np.ndarray:
    """Return random float pictures."""
    return np.random.default_rng(3).normal(0, 1, (count, height, width, channels)).astype("float32")


def body(x: Any, *, name: str = "", softmax: bool = True) -> Any:
    """Two convolutions, pooling and a dense head, as layers of a functional graph."""
    x = layers.Conv2D(4, 3, activation="relu", name=f"{name}conv1")(x)
    x = layers.MaxPooling2D(2, name=f"{name}pool")(x)
    x = layers.Conv2D(5, 3, activation="relu", padding="same", name=f"{name}conv2")(x)
    x = layers.GlobalAveragePooling2D(name=f"{name}gap")(x)
    return layers.Dense(3, activation="softmax" if softmax else None, name=f"{name}head")(x)


def backbone(channels: int = 3, name: str = "base") -> keras.Model:
    """A small convolutional base without a head."""
    i = keras.Input((12, 16, channels))
    x = layers.Conv2D(4, 3, activation="relu", name="conv1")(i)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(5, 3, padding="same", name="conv2")(x)
    return keras.Model(i, layers.ReLU(name="relu")(x), name=name)


@shape
def flat_functional() -> Case:
    i = keras.Input((12, 16, 3))
    return Case("", keras.Model(i, body(i)), pictures())


@shape
def rescaling_and_nested_base() -> Case:
    i = keras.Input((12, 16, 3))
    x = backbone()(layers.Rescaling(1 / 127.5, offset=-1)(i))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3)(x)
    model = keras.Model(i, layers.Dense(3, activation="softmax")(x))
    return Case(
        "", model, np.random.default_rng(4).integers(0, 255, (2, 12, 16, 3)).astype("uint8")
    )


def _stack(*, first: list[Any], classes: int = 3) -> list[Any]:
    return [
        *first,
        layers.Conv2D(4, 3, activation="relu"),
        layers.Conv2D(5, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(classes, activation="softmax"),
    ]


@shape
def sequential_with_input() -> Case:
    return Case("", keras.Sequential(_stack(first=[keras.Input((12, 16, 3))])), pictures())


@shape
def sequential_called_once() -> Case:
    model = keras.Sequential(_stack(first=[]))
    model(pictures())
    return Case("", model, pictures())


@shape
def sequential_unbuilt() -> Case:
    return Case("", keras.Sequential(_stack(first=[])), pictures())


@shape
def sequential_with_nested_base() -> Case:
    top = [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    model = keras.Sequential([backbone(), *top])
    model(pictures())
    return Case("", model, pictures())


@shape
def nested_three_deep() -> Case:
    i = keras.Input((12, 16, 3))
    inner = backbone(name="inner")
    middle = keras.Model(
        j := keras.Input((12, 16, 3)), layers.Activation("relu")(inner(j)), name="middle"
    )
    outer = keras.Sequential([middle, layers.GlobalAveragePooling2D()], name="outer")
    return Case("", keras.Model(i, layers.Dense(3, activation="softmax")(outer(i))), pictures())


@keras.saving.register_keras_serializable("zoo")
class Subclassed(keras.Model):
    """A model with a call of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conv1 = layers.Conv2D(4, 3, activation="relu", name="conv1")
        self.conv2 = layers.Conv2D(5, 3, activation="relu", padding="same", name="conv2")
        self.head = layers.Dense(3, activation="softmax", name="head")

    def call(self, x: Any) -> Any:
        return self.head(keras.ops.mean(self.conv2(self.conv1(x)), axis=(1, 2)))


@shape
def subclassed_model() -> Case:
    model = Subclassed()
    model(pictures())
    return Case("", model, pictures())


class Block(layers.Layer):
    """A layer that holds layers, with a residual sum."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.one = layers.Conv2D(4, 3, padding="same", activation="relu", name="one")
        self.two = layers.Conv2D(4, 3, padding="same", name="two")

    def build(self, input_shape: Any) -> None:
        self.one.build(input_shape)
        self.two.build((*input_shape[:-1], 4))

    def call(self, x: Any) -> Any:
        y = self.one(x)
        return keras.ops.relu(self.two(y) + y)


@shape
def layer_holding_layers() -> Case:
    i = keras.Input((12, 16, 3))
    x = Block(name="block_a")(i)
    x = Block(name="block_b")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Case("", keras.Model(i, layers.Dense(3, activation="softmax")(x)), pictures())


@shape
def shared_encoder() -> Case:
    a, b = keras.Input((12, 16, 3), name="left"), keras.Input((12, 16, 3), name="right")
    j = keras.Input((12, 16, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(j)
    encoder = keras.Model(j, layers.Conv2D(5, 3, activation="relu", name="last")(x), name="encoder")
    pool = layers.GlobalAveragePooling2D()
    both = layers.Concatenate()([pool(encoder(a)), pool(encoder(b))])
    model = keras.Model([a, b], layers.Dense(3, activation="softmax")(both))
    return Case("", model, [pictures(), pictures()[:, ::-1] * 0.7])


@shape
def image_and_vector() -> Case:
    a, b = keras.Input((12, 16, 3), name="image"), keras.Input((4,), name="facts")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu", name="conv")(a))
    x = layers.Concatenate()([x, layers.Dense(3, activation="relu")(b)])
    model = keras.Model({"image": a, "facts": b}, layers.Dense(3, activation="softmax")(x))
    facts = np.random.default_rng(5).normal(0, 1, (2, 4)).astype("float32")
    return Case("", model, {"image": pictures(), "facts": facts})


@shape
def two_outputs() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.GlobalAveragePooling2D()(backbone()(i))
    kind = layers.Dense(3, activation="softmax", name="kind")(x)
    size = layers.Dense(1, name="size")(x)
    return Case("", keras.Model(i, {"kind": kind, "size": size}), pictures())


@shape
def single_sigmoid() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.GlobalAveragePooling2D()(backbone()(i))
    return Case("", keras.Model(i, layers.Dense(1, activation="sigmoid")(x)), pictures(), classes=2)


@shape
def regression_head() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.GlobalAveragePooling2D()(backbone()(i))
    return Case("", keras.Model(i, layers.Dense(1)(x)), pictures(), classes=1)


@shape
def softmax_layer() -> Case:
    i = keras.Input((12, 16, 3))
    return Case("", keras.Model(i, layers.Softmax()(body(i, softmax=False))), pictures())


@shape
def activation_layer_and_reshape() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Activation("softmax")(body(i, softmax=False))
    return Case("", keras.Model(i, layers.Reshape((3,))(layers.Reshape((1, 3))(x))), pictures())


@shape
def softmax_in_nested_head() -> Case:
    i = keras.Input((12, 16, 3))
    head = keras.Sequential(
        [layers.Dense(4, activation="relu"), layers.Dense(3), layers.Softmax()], name="top"
    )
    return Case(
        "", keras.Model(i, head(layers.GlobalAveragePooling2D()(backbone()(i)))), pictures()
    )


class OpsHead(keras.Model):
    """A model that calls the softmax of keras.ops itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(4, 3, activation="relu", name="conv")
        self.dense = layers.Dense(3, name="dense")

    def call(self, x: Any) -> Any:
        return keras.ops.softmax(self.dense(keras.ops.mean(self.conv(x), axis=(1, 2))))


@shape
def softmax_from_ops() -> Case:
    model = OpsHead()
    model(pictures())
    return Case("", model, pictures())


@shape
def logits_head() -> Case:
    i = keras.Input((12, 16, 3))
    return Case("", keras.Model(i, body(i, softmax=False)), pictures())


@shape
def channels_first() -> Case:
    i = keras.Input((3, 12, 16))
    x = layers.Conv2D(4, 3, activation="relu", data_format="channels_first", name="conv1")(i)
    x = layers.Conv2D(5, 3, activation="relu", data_format="channels_first", name="conv2")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    model = keras.Model(i, layers.Dense(3, activation="softmax")(x))
    return Case("", model, np.ascontiguousarray(np.moveaxis(pictures(), -1, 1)))


def _mixed(policy: str) -> Case:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        i = keras.Input((12, 16, 3))
        x = layers.GlobalAveragePooling2D()(backbone()(i))
        x = layers.Dense(3)(x)
        model = keras.Model(i, layers.Activation("softmax", dtype="float32")(x))
    finally:
        keras.config.set_dtype_policy(before)
    return Case("", model, pictures())


@shape
def mixed_float16() -> Case:
    return _mixed("mixed_float16")


@shape
def mixed_bfloat16() -> Case:
    return _mixed("mixed_bfloat16")


@shape
def grey() -> Case:
    i = keras.Input((12, 16, 1))
    return Case("", keras.Model(i, body(i)), pictures(channels=1))


@shape
def four_channels() -> Case:
    i = keras.Input((10, 18, 4))
    return Case("", keras.Model(i, body(i)), pictures(2, 10, 18, 4))


@shape
def series_conv() -> Case:
    i = keras.Input((24, 2))
    x = layers.Conv1D(4, 3, activation="relu", name="conv1")(i)
    x = layers.Conv1D(5, 3, activation="relu", name="conv2")(x)
    model = keras.Model(
        i, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    )
    return Case("", model, np.random.default_rng(6).normal(0, 1, (2, 24, 2)).astype("float32"))


@shape
def lstm() -> Case:
    i = keras.Input((8, 3))
    x = layers.LSTM(4, return_sequences=True, name="first")(i)
    model = keras.Model(i, layers.Dense(3, activation="softmax")(layers.LSTM(4, name="second")(x)))
    return Case("", model, np.random.default_rng(6).normal(0, 1, (2, 8, 3)).astype("float32"))


@shape
def conv_lstm() -> Case:
    i = keras.Input((3, 8, 10, 2))
    x = layers.ConvLSTM2D(3, 3, name="clstm")(i)
    model = keras.Model(
        i, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    )
    return Case(
        "", model, np.random.default_rng(6).normal(0, 1, (2, 3, 8, 10, 2)).astype("float32")
    )


@shape
def volume() -> Case:
    i = keras.Input((6, 8, 10, 1))
    x = layers.Conv3D(3, 3, activation="relu", name="conv1")(i)
    x = layers.Conv3D(4, 3, activation="relu", padding="same", name="conv2")(x)
    model = keras.Model(
        i, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling3D()(x))
    )
    return Case(
        "", model, np.random.default_rng(6).normal(0, 1, (2, 6, 8, 10, 1)).astype("float32")
    )


@shape
def token_ids() -> Case:
    i = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 6, name="embed")(i)
    x = layers.Conv1D(5, 3, activation="relu", name="conv")(x)
    model = keras.Model(
        i, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    )
    return Case("", model, np.random.default_rng(6).integers(1, 20, (2, 7)).astype("int32"))


class ClassToken(layers.Layer):
    """Put a learned class token before the patch tokens and add positions."""

    def build(self, input_shape: Any) -> None:
        width = input_shape[-1]
        self.token = self.add_weight(shape=(1, 1, width), initializer="random_normal", name="token")
        self.place = self.add_weight(
            shape=(1, input_shape[1] + 1, width), initializer="random_normal", name="place"
        )

    def call(self, x: Any) -> Any:
        token = keras.ops.repeat(self.token, keras.ops.shape(x)[0], axis=0)
        return keras.ops.concatenate([token, x], axis=1) + self.place


@shape
def vit() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(8, 4, strides=4, name="patches")(i)
    x = ClassToken(name="class_token")(layers.Reshape((12, 8))(x))
    for k in range(2):
        y = layers.LayerNormalization(name=f"norm{k}a")(x)
        x = x + layers.MultiHeadAttention(2, 4, name=f"attention{k}")(y, y)
        y = layers.LayerNormalization(name=f"norm{k}b")(x)
        x = x + layers.Dense(8, activation="gelu", name=f"mlp{k}")(y)
    x = layers.LayerNormalization(name="norm")(x)[:, 0]
    return Case("", keras.Model(i, layers.Dense(3, activation="softmax")(x)), pictures())


class TupleAttention(layers.Layer):
    """A custom attention layer that returns (output, weights)."""

    def build(self, input_shape: Any) -> None:
        self.query = self.add_weight(
            shape=(input_shape[-1], 4), initializer="random_normal", name="query"
        )

    def call(self, x: Any) -> Any:
        q = x @ self.query
        weights = keras.ops.softmax(q @ keras.ops.transpose(q, (0, 2, 1)), axis=-1)
        return weights @ x, weights


@shape
def attention_tuple() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv")(i)
    x, _ = TupleAttention(name="attend")(layers.Reshape((48, 6))(x))
    x = layers.GlobalAveragePooling1D()(x)
    return Case("", keras.Model(i, layers.Dense(3, activation="softmax")(x)), pictures())


@shape
def segmentation() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="down")(i)
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="middle")(x)
    x = layers.UpSampling2D(2, name="up")(x)
    model = keras.Model(i, layers.Conv2D(3, 1, activation="softmax", name="classes")(x))
    return Case("", model, pictures())


@shape
def box_head() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="conv")(i)
    flat = layers.Flatten()(x)
    pairs = layers.Reshape((8, 2))(layers.Dense(16)(flat))
    low, size = layers.Cropping1D((0, 4))(pairs), layers.Cropping1D((4, 0))(pairs)
    high = layers.Add()([low, layers.Activation("softplus")(size)])
    boxes = layers.Concatenate()([low, high])
    kinds = layers.Activation("softmax")(layers.Reshape((4, 3))(layers.Dense(12)(flat)))
    return Case("", keras.Model(i, {"classes": kinds, "boxes": boxes}), pictures())


@shape
def separable_and_depthwise() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.SeparableConv2D(4, 3, activation="relu", name="separable")(i)
    x = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Case("", keras.Model(i, layers.Dense(3, activation="softmax")(x)), pictures())


@shape
def norm_and_dropout() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(i)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.SpatialDropout2D(0.5)(x)
    x = layers.GaussianNoise(0.5)(layers.GlobalAveragePooling2D()(x))
    return Case(
        "",
        keras.Model(i, layers.Dense(3, activation="softmax")(layers.Dropout(0.5)(x))),
        pictures(),
    )


@shape
def quantised_int8() -> Case:
    i = keras.Input((12, 16, 3))
    x = layers.Conv2D(5, 3, activation="relu", name="conv")(i)
    x = layers.Dense(6, activation="relu", name="hidden")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(i, layers.Dense(3, activation="softmax", name="head")(x))
    _shake(model)
    for name in ("hidden", "head"):  # what `model.quantize` does; it warns of every other layer
        model.get_layer(name).quantize("int8")
    return Case("", model, pictures())


@shape
def lora_enabled() -> Case:
    i = keras.Input((12, 16, 3))
    model = keras.Model(i, body(i))
    for name in ("conv1", "conv2", "head"):
        model.get_layer(name).enable_lora(2)
    return Case("", model, pictures())


def _through_file(suffix: str) -> Case:
    case = flat_functional()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        case.model.save(path)
        model = keras.models.load_model(path, compile=False)
    return Case("", model, case.x)


@shape
def loaded_keras() -> Case:
    return _through_file(".keras")


@shape
def loaded_h5() -> Case:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _through_file(".h5")


def runs_here(name: str, backend: str | None = None) -> str | None:
    """Return why a shape cannot run on a backend (default: this one) on a CPU, or None."""
    if name == "channels_first" and (backend or keras.backend.backend()) == "tensorflow":
        return "TensorFlow has no channels-first convolution on CPU"
    return None
