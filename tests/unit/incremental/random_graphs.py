"""Random convolutional nets of every shape: seeded, tiny, and with nothing constant about them."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

BACKEND = keras.backend.backend()


class Residual(keras.layers.Layer):
    """A subclassed layer whose sum no recorded layer computes."""

    def __init__(self, filters: int, kind: type, **options: Any) -> None:
        super().__init__()
        self.inner = kind(filters, 3, padding="same", **options)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.inner.build(shape)
        super().build(shape)

    def call(self, x: Any) -> Any:
        return x + self.inner(x)


@dataclasses.dataclass
class Builder:
    """Draws layers for maps of one rank and layout."""

    rng: np.random.Generator
    rank: int
    layout: str

    def of(self, name: str, *args: Any, **options: Any) -> Any:
        """Return the layer of this rank, e.g. Conv2D."""
        return getattr(layers, f"{name}{self.rank}D")(*args, data_format=self.layout, **options)

    def pick(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return choices[self.rng.integers(len(choices))]

    @property
    def axis(self) -> int:
        """The channel axis."""
        return 1 if self.layout == "channels_first" else -1

    def size(self, x: Any) -> int:
        """Return the smallest spatial size of a map."""
        return min(x.shape[2:] if self.axis == 1 else x.shape[1:-1])

    def kernel(self, x: Any) -> dict[str, Any]:
        """Return options of a sliding kernel that fits the map."""
        size = min(self.pick(1, 2, 3, 5), self.size(x))
        padding = self.pick("valid", "same", "same") if self.size(x) >= 2 * size else "same"
        stride = self.pick(1, 1, 1, 2, 3) if self.size(x) > 6 else 1
        return {"size": size, "strides": stride, "padding": padding}

    def conv(self, x: Any) -> Any:
        """Apply a convolution: plain, dilated, grouped, depthwise or separable."""
        options = self.kernel(x)
        size = options.pop("size")
        if options["strides"] == 1 and self.size(x) > 8 and options["padding"] == "same":
            options["dilation_rate"] = self.pick(1, 1, 2, 3)
        activation = self.pick(None, "relu", "tanh", "gelu", "sigmoid")
        kind = self.pick("Conv", "Conv", "Depthwise", "Separable")
        if kind == "Conv" or self.rank == 3:
            if self.rank == 1 and self.layout == "channels_last" and self.pick(0, 0, 1):
                options["padding"] = "causal"
            grouped = x.shape[self.axis] % 2 == 0 and self.rank < 3
            groups = self.pick(1, 2) if grouped else 1
            return self.of("Conv", 4, size, activation=activation, groups=groups, **options)(x)
        if kind == "Depthwise":
            return self.of("DepthwiseConv", size, activation=activation, **options)(x)
        return self.of("SeparableConv", 4, size, activation=activation, **options)(x)

    def pool(self, x: Any) -> Any:
        """Apply a pool."""
        options = self.kernel(x)
        size = max(2, options.pop("size")) if self.size(x) > 2 else 1
        return self.of(self.pick("MaxPooling", "AveragePooling"), size, **options)(x)

    def shift(self, x: Any) -> Any:
        """Pad with zeros, or crop."""
        pairs = [tuple(int(n) for n in self.rng.integers(0, 3, 2)) for _ in range(self.rank)]
        amounts = pairs[0] if self.rank == 1 else tuple(pairs)
        # One-dimensional cropping has no data format: its maps are channels last.
        if self.size(x) > 7 and self.pick(0, 1) and (self.rank > 1 or self.axis == -1):
            if self.rank == 1:
                return layers.Cropping1D(amounts)(x)
            return self.of("Cropping", amounts)(x)
        return self.of("ZeroPadding", amounts)(x)

    def alone(self, x: Any) -> Any:
        """Apply a layer that works on every cell alone."""
        made = self.pick(
            lambda: Noisy(axis=self.axis),
            lambda: layers.LayerNormalization(axis=self.axis),
            lambda: layers.Activation(self.pick("relu", "silu", "elu", "hard_sigmoid")),
            lambda: layers.ReLU(max_value=6.0),
            lambda: layers.LeakyReLU(0.3),
            lambda: layers.PReLU(shared_axes=list(range(1, self.rank + 1))),
            lambda: layers.Dropout(0.5),
            lambda: layers.Rescaling(1.5, offset=-0.2),
        )
        layer = made()
        last_only = (layers.PReLU, layers.LayerNormalization)  # the latter fails in Keras on torch
        return layers.ELU()(x) if self.axis == 1 and isinstance(layer, last_only) else layer(x)

    def residual(self, x: Any) -> Any:
        """Add, multiply … a map to a convolution of itself."""
        y = self.of("Conv", x.shape[self.axis], self.pick(1, 3), padding="same")(x)
        y = self.alone(y)
        merge = self.pick("Add", "Multiply", "Average", "Maximum", "Subtract", "sum")
        return x + y * 0.5 if merge == "sum" else getattr(layers, merge)()([x, y])

    def inception(self, x: Any) -> Any:
        """Join branches with kernels of several sizes."""
        branches = [
            self.of("Conv", 2, 1)(x),
            self.of("Conv", 2, self.pick(3, 5), padding="same", activation="relu")(x),
            self.of(self.pick("MaxPooling", "AveragePooling"), 3, 1, padding="same")(x),
        ]
        return layers.Concatenate(axis=self.axis)(branches)

    def nested(self, x: Any) -> Any:
        """Apply a model inside the model: Functional or Sequential."""
        if self.pick(0, 1):
            first = self.of("Conv", 3, 3, padding="same")
            return keras.Sequential([first, Noisy(axis=self.axis)])(x)
        given = keras.Input(x.shape[1:])
        return keras.Model(given, self.residual(self.conv(given)))(x)

    def unknown(self, x: Any) -> Any:
        """Apply what no window can follow."""
        if self.pick(0, 1):
            kind = getattr(layers, f"Conv{self.rank}D")
            return Residual(x.shape[self.axis], kind, data_format=self.layout)(x)
        spatial = range(1, self.rank + 1) if self.axis == -1 else range(2, self.rank + 2)
        return x - ops.mean(x, axis=list(spatial), keepdims=True)


class Noisy(layers.BatchNormalization):
    """Batch normalisation whose statistics are not those of a fresh layer."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        super().build(shape)
        rng = np.random.default_rng(shape[self.axis])
        for weight in self.weights:
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))


STEPS = ("conv", "conv", "pool", "shift", "alone", "residual", "inception", "nested")


def random_model(seed: int) -> tuple[Any, tuple[int, ...], str]:
    """Return a model, its input shape and its layout."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    rank = int(rng.choice([1, 2, 2, 2, 3]))
    firsts = ("channels_first",) if BACKEND != "tensorflow" and rank == 2 else ()
    layout = str(rng.choice(["channels_last", "channels_last", *firsts]))
    sizes = [int(n) for n in rng.integers(*{1: (9, 33), 2: (9, 22), 3: (5, 9)}[rank], rank)]
    channels = int(rng.integers(1, 4))
    shape = (channels, *sizes) if layout == "channels_first" else (*sizes, channels)
    build = Builder(rng, rank, layout)
    given = x = keras.Input(shape)
    steps = [str(rng.choice(STEPS)) for _ in range(rng.integers(2, 7))]
    if seed % 5 == 0:
        steps.insert(int(rng.integers(1, len(steps) + 1)), "unknown")
    for step in steps:
        x = getattr(build, step)(x)
    head = build.pick("Flatten", "pool")
    x = layers.Flatten()(x) if head == "Flatten" else build.of("GlobalAveragePooling")(x)
    model = keras.Model(given, layers.Dense(3, activation="softmax")(x))
    for weight in model.trainable_weights:
        if weight.path.endswith("bias"):  # zeros in a fresh layer, which would hide mistakes
            weight.assign(rng.normal(0, 0.3, weight.shape))
    return model, shape, layout
