"""Attention of a vision transformer

Every head of every layer, then what they amount to for a class. The transformer is small and
trained here, on pictures whose class is told by one square. With KerasHub,
`ks.load_model("hub:vit_base_patch16_224_imagenet")` stands for the first half.
"""

import keras
import numpy as np
from at_hand import AtHand, run
from keras import layers

import kerascope as ks

SIZE, PATCH, WIDTH = 32, 8, 24


def pictures(count, seed=0):
    """Return noise with a red or a blue square, its class, and its (row, column)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.3, (count, SIZE, SIZE, 3))
    kinds, cells = rng.integers(0, 2, count), rng.integers(0, SIZE // PATCH, (count, 2))
    for picture, kind, (row, column) in zip(x, kinds, cells * PATCH, strict=True):
        picture[row : row + PATCH, column : column + PATCH, 2 * kind] += 1
    return x.astype("float32"), kinds, cells


def transformer():
    """Return a net of two blocks, trained for seconds."""
    keras.utils.set_random_seed(0)
    i = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(WIDTH, PATCH, strides=PATCH, name="patches")(i)
    x = layers.Reshape(((SIZE // PATCH) ** 2, WIDTH))(x)
    for k in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(2, WIDTH // 2, name=f"attention_{k}")(y, y)
        y = layers.Dense(2 * WIDTH, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(WIDTH)(y)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    model = keras.Model(i, layers.Dense(2, activation="softmax", name="colour")(x))
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(*pictures(768)[:2], epochs=6, batch_size=64, verbose=0)
    return model


def main(_hand: AtHand, folder):
    """Write the pictures of this recipe; return both results."""
    model = transformer()
    x = pictures(2, seed=1)[0]
    heads = ks.attention(model, x)  # raw: every head of every layer
    heads.plot().savefig(folder / "vit_heads.png")
    relevance = ks.attention(model, x, kind="chefer")  # what speaks for the predicted class
    relevance.plot().savefig(folder / "vit_relevance.png")
    return [heads, relevance]


if __name__ == "__main__":
    run(main)
