"""A small vision transformer whose right answer lies in one known patch, and how it was trained.

A scene is noise with five textured patches. One of them carries the texture of the class; the
others are random textures of the same strength, so only the texture tells which patch matters.

    python tests/small_vit.py      # trains anew (half a minute on two cores), writes the weights
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

WEIGHTS = Path(__file__).parent / "data" / "small_vit.safetensors"
PATCH, GRID, CLASSES, WIDTH, BLOCKS, HEADS = 4, 8, 4, 32, 2, 2
_ROWS = np.arange(PATCH)[:, None]
_COLUMNS = np.arange(PATCH)[None]
# Stripes across, stripes down, a checkerboard, a diagonal staircase.
TEXTURES = np.stack(
    [
        np.where((_ROWS + 0 * _COLUMNS) % 2, 1, -1),
        np.where((_COLUMNS + 0 * _ROWS) % 2, 1, -1),
        np.where((_ROWS + _COLUMNS) % 2, 1, -1),
        np.where((_ROWS + _COLUMNS) % 4 < 2, 1, -1),
    ]
)


def scenes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures (scene, y, x, 3), classes, and the index of the patch that tells the class.

    One scene in five, of class `CLASSES`, has random textures only: no class can be told by the
    absence of others.
    """
    rng = np.random.default_rng(seed)
    kinds = np.where(rng.random(count) < 0.2, CLASSES, rng.integers(0, CLASSES, count))
    cells = np.stack([rng.choice(GRID * GRID, 5, replace=False) for _ in range(count)])
    pictures = rng.normal(0, 0.25, (count, GRID, PATCH, GRID, PATCH, 3))
    for i, kind in enumerate(kinds):
        for j, cell in enumerate(cells[i]):
            told = j == 0 and kind < CLASSES
            texture = TEXTURES[kind] if told else rng.permutation(TEXTURES[0].ravel())
            colour = rng.uniform(0.5, 1.0, 3)
            row, column = divmod(int(cell), GRID)
            pictures[i, row, :, column] += texture.reshape(PATCH, PATCH, 1) * colour
    size = GRID * PATCH
    return pictures.reshape(count, size, size, 3).astype(np.float32), kinds, cells[:, 0]


class ClassToken(layers.Layer):
    """Put a learned class token before the patches and add learned positions."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), name="token")
        shape = (1, input_shape[1] + 1, input_shape[-1])
        self.place = self.add_weight(shape=shape, initializer="random_normal", name="place")

    def call(self, x: object) -> object:
        token = keras.ops.repeat(self.token, keras.ops.shape(x)[0], axis=0)
        return keras.ops.concatenate([token, x], axis=1) + self.place


def build(dropout: float = 0.0) -> keras.Model:
    """Return the untrained net; `dropout` of attention weights also decides whether Keras fuses."""
    i = keras.Input((GRID * PATCH, GRID * PATCH, 3))
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(i)
    x = ClassToken(name="tokens")(layers.Reshape((GRID * GRID, WIDTH))(x))
    for k in range(BLOCKS):
        y = layers.LayerNormalization(name=f"norm{k}a")(x)
        attend = layers.MultiHeadAttention(
            HEADS, WIDTH // HEADS, dropout=dropout, name=f"attention{k}"
        )
        x = layers.Add(name=f"sum{k}a")([x, attend(y, y)])
        y = layers.LayerNormalization(name=f"norm{k}b")(x)
        y = layers.Dense(2 * WIDTH, activation="gelu", name=f"wide{k}")(y)
        x = layers.Add(name=f"sum{k}b")([x, layers.Dense(WIDTH, name=f"narrow{k}")(y)])
    x = layers.LayerNormalization(name="norm")(x)[:, 0]
    return keras.Model(i, layers.Dense(CLASSES, activation="sigmoid", name="head")(x))


def _names(model: keras.Model) -> dict[str, keras.Variable]:
    return {variable.path: variable for variable in model.trainable_variables}


def load(dropout: float = 0.0) -> keras.Model:
    """Return the trained net."""
    from safetensors.numpy import load_file

    model = build(dropout)
    stored = load_file(WEIGHTS)
    for name, variable in _names(model).items():
        variable.assign(stored[name].astype(np.float32))
    return model


def train(steps: int = 500, batch: int = 64) -> keras.Model:
    """Train the net from scratch; the same seed gives the same scenes."""
    keras.utils.set_random_seed(1)
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(3e-4, steps, warmup_target=3e-3, warmup_steps=100)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.3)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(label_smoothing=0.05))
    x, kinds, _ = scenes(steps * batch // 4, seed=1)
    present = np.eye(CLASSES + 1, dtype=np.float32)[kinds][:, :CLASSES]
    model.fit(x, present, batch_size=batch, epochs=4, verbose=2)
    return model


def accuracy(model: keras.Model) -> float:
    """Return the share of new scenes where exactly the right texture, or none, is found."""
    pictures, kinds, _ = scenes(1000, seed=2)
    said = model.predict(pictures, verbose=0) > 0.5
    return float((said == (kinds[:, None] == np.arange(CLASSES))).all(axis=1).mean())


if __name__ == "__main__":
    from safetensors.numpy import save_file

    trained = train()
    print(f"right on {accuracy(trained):.1%} of 1000 new scenes")
    WEIGHTS.parent.mkdir(exist_ok=True)
    save_file({n: np.asarray(v.numpy(), np.float16) for n, v in _names(trained).items()}, WEIGHTS)
    print(WEIGHTS, WEIGHTS.stat().st_size, "bytes")
