"""Write a network with random weights for `kerascope bench`: of Keras Applications, or ViT-S/16.

    python benchmarks/networks.py VGG16 build/VGG16.keras
    python benchmarks/networks.py ViT-S16 build/ViT-S16.keras

What a pass costs does not depend on the weights. The vision transformer is that of Dosovitskiy et
al. 2021 in the size of Touvron et al. 2021 (12 blocks, 6 heads, 384 features, patches of 16 × 16),
with the mean of all patches in place of a class token (Beyer et al. 2022).
"""

from __future__ import annotations

import sys

import keras
from keras import layers


def vision_transformer() -> keras.Model:
    """Return a ViT-S/16 for 224 × 224 pictures and 1000 classes."""
    picture = keras.Input((224, 224, 3))
    x = layers.Conv2D(384, 16, strides=16, use_bias=False, name="patches")(picture)
    x = layers.Reshape((196, 384))(x)
    # Its bias is an embedding of each position.
    x = layers.EinsumDense("btc,cd->btd", (196, 384), bias_axes="td", name="positions")(x)
    for _ in range(12):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(6, 64)(y, y)])
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.Dense(384)(layers.Dense(1536, activation="gelu")(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    return keras.Model(
        picture, layers.Dense(1000, activation="softmax", name="predictions")(x), name="vit_s16"
    )


if __name__ == "__main__":
    name, file = sys.argv[1:]
    keras.utils.set_random_seed(0)
    net = (
        vision_transformer()
        if name == "ViT-S16"
        else getattr(keras.applications, name)(weights=None)
    )
    net.save(file)
