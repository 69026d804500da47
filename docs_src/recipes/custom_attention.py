"""Attention weights of a layer of your own

A layer that returns (output, weights), as in tutorials on sequences: its weights are found without
a second model. They say what was read, not what counted; integrated gradients say that.
"""

import keras
import numpy as np
from at_hand import AtHand, run
from keras import layers, ops

import kerascope as ks

STEPS = 24


class ReadOnce(layers.Layer):
    """Attend to one place of a sequence: returns what was read, and the weights."""

    def build(self, shape):
        """Make the query."""
        self.query = self.add_weight(shape=(1, shape[-1]), name="query")

    def call(self, x):
        """Return (sample, 1, feature) and (sample, 1, step)."""
        weights = ops.softmax(self.query @ ops.transpose(x, (0, 2, 1)), axis=-1)
        return weights @ x, weights


def sequences(count, seed=0):
    """Return two noisy channels, what channel 1 holds where channel 0 has its spike, and where."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (count, STEPS, 2)) * (0.3, 1)
    places = rng.integers(0, STEPS, count)
    x[np.arange(count), places, 0] += 4
    return x.astype("float32"), x[np.arange(count), places, 1:], places


def reader():
    """Return a net around the layer, trained for seconds."""
    keras.utils.set_random_seed(0)
    i = keras.Input((STEPS, 2), name="steps")
    x, _ = ReadOnce(name="read")(layers.Dense(8, name="features")(i))
    model = keras.Model(i, layers.Dense(1, name="told")(layers.Flatten()(x)))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(*sequences(1024)[:2], epochs=12, batch_size=64, verbose=0)
    return model


def main(_hand: AtHand, folder):
    """Write the pictures of this recipe; return both results."""
    model = reader()
    x = sequences(2, seed=1)[0]
    read = ks.attention(model, x)
    read.plot().savefig(folder / "custom_attention.png")
    counted = ks.explain(model, x, "integrated_gradients")
    counted.plot().savefig(folder / "custom_attention_counted.png")
    return [read, counted]


if __name__ == "__main__":
    run(main)
