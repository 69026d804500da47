"""What a forecast hangs on: a small net that forecasts a generated power load.

Run it: `python docs_src/series.py [FOLDER]` writes a CSV file, pictures and a report there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np

import kerascope as ks

WINDOW, AHEAD = 48, 6
CHANNELS = ("load", "wind", "holiday")


def hours(count: int, *, seed: int = 0) -> np.ndarray:
    """Return (hour, channel): a load with a daily rhythm, which falls six hours after a gust."""
    rng = np.random.default_rng(seed)
    time = np.arange(count)
    gust = (rng.random(count) < 0.04).astype(float) * rng.uniform(1, 2, count)
    wind = 0.2 * rng.normal(size=count) + gust
    holiday = (rng.random(count // 24 + 1) < 0.1).repeat(24)[:count]
    load = np.sin(2 * np.pi * time / 24) + 0.05 * rng.normal(size=count)
    load[6:] -= gust[:-6]
    return np.stack([load, wind, holiday], axis=1).astype("float32")


def windows(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every window and the load of the hours after it."""
    places = range(len(series) - WINDOW - AHEAD + 1)
    given = np.stack([series[i : i + WINDOW] for i in places])
    return given, np.stack([series[i + WINDOW : i + WINDOW + AHEAD, 0] for i in places])


def forecaster() -> keras.Model:
    """Return a net of a convolution and a GRU, trained on generated hours."""
    keras.utils.set_random_seed(0)
    i = keras.Input((WINDOW, len(CHANNELS)), name="hours")
    x = keras.layers.Conv1D(16, 3, padding="causal", activation="relu")(i)
    x = keras.layers.Concatenate()([keras.layers.GRU(16)(x), keras.layers.Flatten()(x)])
    model = keras.Model(i, keras.layers.Dense(AHEAD)(x))
    model.compile(keras.optimizers.Adam(0.003), "mse")
    model.fit(*windows(hours(3000)), epochs=10, batch_size=64, verbose=0)
    return model


def table(path: Path) -> Path:
    """Write three days with one gust, four hours before the first forecast, as a CSV file."""
    series = hours(72, seed=5)
    series[:, 1] = 0.2 * np.random.default_rng(6).normal(size=72)
    series[WINDOW - 4, 1] = 2.0
    series[:, 0] = np.sin(2 * np.pi * np.arange(72) / 24)
    series[WINDOW + 2, 0] -= 2.0
    rows = [f"day {i // 24 + 1} {i % 24:02}:00," + ",".join(map(str, row))
            for i, row in enumerate(series)]  # fmt: skip
    path.write_text("\n".join(["hour," + ",".join(CHANNELS), *rows]) + "\n", encoding="utf-8")
    return path


def main(folder: Path) -> None:
    """Explain the forecast of one window, and of why it leaves the last known value."""
    from kerascope.plot import alt_text, save_png

    folder.mkdir(parents=True, exist_ok=True)
    model = forecaster()
    path = table(folder / "hours.csv")
    series = ks.load_series(path, model, forecast="load", windows=2)[:1]  # the earlier one

    result = ks.explain(model, series, target="horizon-3")  # integrated gradients, from the mean
    save_png(result, folder / "third_hour.png")
    print(alt_text(result))
    step, channel = np.unravel_index(result.values[0].argmin(), result.values[0].shape)
    line = series.timelines[0]
    print("most against:", line.channels[channel], "at", line.times[step])

    change = ks.explain(model, series, target="change-3")  # against the last known value
    print(alt_text(change))

    by_window = ks.explain(
        model, series, "feature_ablation", target="horizon-3", segments="channel-16",
        baseline="inpaint",
    )  # fmt: skip
    save_png(by_window, folder / "windows.png")
    print(alt_text(by_window))
    print("report:", ks.report([result, change, by_window], folder / "report.html").name)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "series-out"))
