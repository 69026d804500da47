"""Which slice, which frame: a 3-D convolution and a ConvLSTM on generated blobs.

Run it: `python docs_src/volumes.py [FOLDER]` writes pictures and a report there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

import kerascope as ks

SIZE = (8, 16, 20)


def scans(count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return noise with a bright or dark blob in one slice, its class, and that slice."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.15, (count, *SIZE, 1))
    truth = rng.integers(0, 2, count)
    place = np.stack([rng.integers(0, n - k, count) for n, k in zip(SIZE, (1, 4, 4), strict=True)])
    for i, (z, row, column) in enumerate(place.T):
        x[i, z, row : row + 4, column : column + 4] += 1 if truth[i] else -1
    return x.astype("float32"), truth, place[0]


def trained(body: layers.Layer) -> keras.Model:
    """Return a classifier of scans around one layer."""
    keras.utils.set_random_seed(0)
    i = keras.Input((*SIZE, 1))
    model = keras.Model(i, layers.Dense(2, activation="softmax")(body(i)))
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(*scans(384, seed=0)[:2], epochs=5, batch_size=32, verbose=0)
    return model


def main(folder: Path) -> None:
    """Explain one scan as a volume, and the same numbers as a film."""
    from kerascope.plot import alt_text, save_png

    folder.mkdir(parents=True, exist_ok=True)
    x, _, place = scans(1, seed=7)
    print("planted in slice", place[0] + 1)

    conv = layers.Conv3D(8, 3, padding="same", activation="relu")
    volume = trained(keras.Sequential([conv, layers.GlobalMaxPooling3D()]))
    result = ks.explain(volume, ks.load_volumes(x, volume))
    save_png(result, folder / "volume.png")
    print(alt_text(result))

    recurrent = keras.Sequential([layers.ConvLSTM2D(6, 3), layers.GlobalMaxPooling2D()])
    film = trained(recurrent)
    frames = ks.explain(film, x)
    save_png(frames, folder / "film.png")
    print(alt_text(frames))
    ks.report(result, folder / "volume.html")
    ks.report(frames, folder / "film.html")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "volumes-out"))
