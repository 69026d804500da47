"""A convolutional recurrent forecaster

A ConvLSTM sees six frames of a drifting cloud and says how much rain a gauge measures three frames
later. The map says where, and in which frames, its forecast comes from: upwind of the gauge.
"""

import keras
import numpy as np
from at_hand import AtHand, run
from keras import layers

import kerascope as ks

FRAMES, AHEAD, SIZE, GAUGE = 6, 3, 16, (8, 12)


def clouds(count, seed=0):
    """Return films (sample, frame, row, column, 1) of a cloud drifting to the right, and rain."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.uniform(5, 11, count), rng.uniform(-2, 5, count)
    down, across = np.mgrid[:SIZE, :SIZE]
    time = np.arange(FRAMES + AHEAD)
    centre = (columns[:, None] + 1.2 * time)[..., None, None]
    away = (down - rows[:, None, None, None]) ** 2 + (across - centre) ** 2
    films = np.exp(-away / 6) + rng.normal(0, 0.05, away.shape)
    rain = films[:, -1, GAUGE[0], GAUGE[1]]
    return films[:, :FRAMES, ..., None].astype("float32"), rain.astype("float32")[:, None]


def forecaster():
    """Return a net of a ConvLSTM, trained for seconds."""
    keras.utils.set_random_seed(0)
    i = keras.Input((FRAMES, SIZE, SIZE, 1), name="frames")
    x = layers.ConvLSTM2D(4, 3, padding="same", name="recurrent")(i)
    x = layers.Dense(16, activation="relu")(layers.Flatten()(x))
    model = keras.Model(i, layers.Dense(1, name="rain")(x))
    model.compile(keras.optimizers.Adam(0.005), "mse")
    model.fit(*clouds(256), epochs=6, batch_size=16, verbose=0)
    return model


def main(_hand: AtHand, folder):
    """Write the pictures of this recipe; return the result."""
    model = forecaster()
    films, rain = clouds(64, seed=1)
    wettest = films[[int(rain.argmax())]]
    result = ks.explain(model, wettest, "integrated_gradients", steps=32)
    result.plot().savefig(folder / "forecaster.png")
    return result


if __name__ == "__main__":
    run(main)
