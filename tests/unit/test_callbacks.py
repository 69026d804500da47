"""Explaining during training: what it sees, what it leaves alone, what it never breaks."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import documented
import kerascope as ks
from kerascope.callbacks import training
from kerascope.hooks.store import store_of
from kerascope.method import AttributionMethod
from kerascope.report.blobs import read_array

Watch = ks.callbacks.ExplainDuringTraining


def pictures(count: int, *, seed: int = 0, cue: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a block, upright for class 1 and lying for class 0, in the lower right.

    cue: a bright patch in the upper left of class 1; without, of half of each class.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    marked = y if cue else rng.integers(0, 2, count)
    x = rng.normal(0, 0.3, (count, 12, 12, 1)).astype("float32")
    for i in range(count):
        if marked[i]:
            x[i, 0:3, 0:3] += 2.0
        upright, lying = (slice(6, 11), slice(7, 10)), (slice(7, 10), slice(6, 11))
        x[i, *(upright if y[i] else lying)] += 1.0
    return x, y


MASK = np.zeros((12, 12), bool)
MASK[6:11, 6:11] = True


def net(*, rate: float = 0.01, stateful: bool = False) -> Any:
    """Return a compiled net; stateful: with statistics of its batches and random numbers."""
    keras.utils.set_random_seed(3)
    i = keras.Input((12, 12, 1))
    x = layers.Conv2D(6, 5, activation="relu", padding="same", name="conv")(i)
    if stateful:
        x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
        x = layers.GlobalAveragePooling2D()(x)
    else:
        x = layers.GlobalMaxPooling2D()(x)
    model = keras.Model(i, layers.Dense(2, activation="softmax")(x))
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def fit(model: Any, watch: Any, *, epochs: int = 2, count: int = 32, **options: Any) -> Any:
    x, y = pictures(count)
    given = {"batch_size": 8, "verbose": 0, "shuffle": True} | options
    return model.fit(x, y, epochs=epochs, callbacks=[watch] if watch else [], **given)


def film_in(path: Path) -> dict[str, Any]:
    """Return the document that a written film holds."""
    text = path.read_text()
    found = re.search(r'<script[^>]*id="document"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


# --- what it sees --------------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [None, 2])
def test_it_explains_the_weights_of_the_moment(tmp_path: Path, batches: int | None) -> None:
    """A twin callback keeps each epoch's weights: explained afterwards, they give the same maps."""
    probes, labels = pictures(3, seed=9)
    kept: dict[float, list[np.ndarray]] = {}

    class Keep(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                kept[0.5 + len(kept) / 2 if batches else -1] = self.model.get_weights()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            kept[epoch + 1] = self.model.get_weights()

    model = net()
    watch = Watch(
        probes, "gradient_x_input", labels=labels, budget=None, batches=batches,
        film=tmp_path / "film.html",
    )  # fmt: skip
    x, y = pictures(32)
    model.fit(x, y, epochs=2, batch_size=8, verbose=0, callbacks=[Keep(), watch])
    assert watch.notes == []
    wanted = [0.5, 1, 1.5, 2] if batches else [1, 2]
    assert watch.document["film"]["epochs"] == wanted
    maps = {(m["epoch"], m["sample"]): m for m in watch.document["maps"]}
    for epoch in wanted:
        twin = net()
        twin.set_weights(kept[epoch])
        plain = ks.explain(twin, probes, "gradient_x_input", target=labels.tolist())
        for index in range(3):
            entry = maps[epoch, f"s{index}"]
            shown = read_array(entry["values"], watch.document["blobs"])
            step = entry["limit"] / 255
            assert np.abs(shown - plain.heatmap()[index]).max() <= 0.51 * step + 1e-5
    assert len({m["values"]["blob"] for m in maps.values()}) == len(maps)


def lit(count: int, *, seed: int, cue: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return noise in which the object is a little lighter for class 1 than for class 0.

    So is, and far more, a patch in the upper left; without the cue, by chance.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, count)
    x = rng.normal(0, 0.3, (count, 12, 12, 1)).astype("float32")
    sign = (2 * y - 1)[:, None, None, None]
    x[:, 6:11, 6:11] += 0.5 * sign
    x[:, 0:4, 0:4] += 2.0 * (sign if cue else rng.choice([-1, 1], sign.shape))
    return x, y


def test_evidence_provably_moves_when_the_cue_fades_from_the_data(tmp_path: Path) -> None:
    """A linear model: what it weighs is what tells the classes apart, and nothing else."""
    probes, labels = lit(6, seed=9, cue=True)
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(), layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    watch = Watch(
        probes, "gradient_x_input", labels=labels, masks=[MASK] * 6, classes=("dark", "light"),
        budget=None, film=tmp_path / "film.html",
    )  # fmt: skip
    for cue, epochs in ((True, 3), (False, 9)):
        x, y = lit(600, seed=1, cue=cue)
        model.fit(x, y, epochs=epochs, batch_size=16, verbose=0, callbacks=[watch])
    film = film_in(tmp_path / "film.html")["film"]
    assert film["epochs"] == list(range(1, 13))  # a second fit goes on counting
    curve = next(
        c["values"]
        for c in film["curves"]
        if c["name"] == "evidence on the object" and c["sample"] is None
    )
    assert max(curve[:3]) < 0.2
    assert curve[-1] > curve[2] + 0.25
    told = [m for m in film["markers"] if m["sample"] is None and m["kind"] == "evidence"]
    assert any("moved onto the objects" in m["words"] and m["epoch"] > 3 for m in told)
    logged = {c["name"]: c for c in film["curves"] if c["method"] is None}
    assert {"loss", "accuracy", "probes that are right"} <= logged.keys()
    assert logged["loss"]["epochs"] == film["epochs"]
    predicted = {p["top"] for p in watch.document["predictions"]}
    assert predicted == {"dark", "light"}


def test_every_so_many_epochs_and_the_last() -> None:
    watch = Watch(pictures(2)[0], "gradient", every=3, budget=None, film=None)
    fit(net(), watch, epochs=5, count=8)
    assert watch.document["film"]["epochs"] == [3, 5]
    loss = next(c for c in watch.document["film"]["curves"] if c["name"] == "loss")
    assert loss["epochs"] == [1, 2, 3, 4, 5]


# --- what it leaves alone ------------------------------------------------------------------------


def test_a_watched_training_is_the_same_training() -> None:
    """Weights, statistics, optimizer and history agree bit for bit, with dropout drawing."""
    runs = []
    for watched in (False, True):
        model = net(stateful=True)
        watch = Watch(pictures(2)[0], ["grad_cam", "gradient"], budget=None, batches=2, film=None)
        history = fit(model, watch if watched else None, epochs=2)
        if watched:
            assert watch.notes == []
            assert len(watch.document["film"]["epochs"]) == 4
        runs.append((
            [np.asarray(v) for v in model.variables],
            [np.asarray(v) for v in model.optimizer.variables],
            history.history,
            [layer.trainable for layer in model.layers],
        ))  # fmt: skip
    for plain, seen in zip(runs[0][:2], runs[1][:2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(plain, seen, strict=True))
    assert runs[0][2:] == runs[1][2:]


# --- what it never breaks ------------------------------------------------------------------------


def test_an_error_is_a_note_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = training.explain
    asked = []

    def explain(model: Any, inputs: Any, method: AttributionMethod, **options: Any) -> Any:
        asked.append(method.name)
        if method.name == "gradient":
            raise ValueError("no\nluck")
        return real(model, inputs, method, **options)

    monkeypatch.setattr(training, "explain", explain)
    watch = Watch(
        pictures(2)[0], ["gradient", "grad_cam"], budget=None, film=tmp_path / "film.html"
    )
    with caplog.at_level(logging.WARNING, "kerascope"):
        history = fit(net(), watch, epochs=5, count=8)
    assert len(history.history["loss"]) == 5
    assert watch.notes[0] == "epoch 1: Gradient (saliency): no luck"
    assert asked.count("gradient") == 3  # then it is left out
    film = film_in(tmp_path / "film.html")["film"]
    assert film["epochs"] == [1, 2, 3, 4, 5]
    assert "epochs 1–3: Gradient (saliency): no luck" in film["notes"]
    assert sum("no luck" in r.getMessage() for r in caplog.records) == 1


@pytest.mark.parametrize(
    ("probes", "says"),
    [
        (np.zeros((2, 5, 7, 1), "float32"), "shape"),
        (np.full((2, 12, 12, 1), np.nan, "float32"), "NaN"),
    ],
)
def test_probes_that_do_not_fit_are_a_note(probes: np.ndarray, says: str) -> None:
    watch = Watch(probes, "gradient", budget=None, film=None)
    assert len(fit(net(), watch, count=8).history["loss"]) == 2
    assert watch.notes
    assert says in watch.notes[0]
    assert watch.document["film"]["epochs"] == []


def test_weights_that_are_nan_are_a_note() -> None:
    watch = Watch(pictures(2)[0], "gradient", budget=None, film=None)
    model = net()

    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.nan, "float32"))

    x, y = pictures(8)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[Break(), watch])
    assert len(watch.notes) == 2
    assert "conv" in watch.notes[0]


def test_ctrl_c_ends_the_training_and_leaves_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = training.explain, []

    def explain(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(training, "explain", explain)
    watch = Watch(pictures(2)[0], "gradient", budget=None, film=tmp_path / "film.html")
    model = net()
    with pytest.raises(KeyboardInterrupt):
        fit(model, watch, epochs=5, count=8)
    assert film_in(tmp_path / "film.html")["film"]["epochs"] == [1]
    assert watch.notes == []
    fit(model, watch, epochs=1, count=8)  # the model and the callback are whole
    assert film_in(tmp_path / "film.html")["film"]["epochs"] == [1, 3]


def test_the_film_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.html"
    watch = Watch(pictures(2)[0], "gradient", budget=None, film=path)
    fit(net(), watch, epochs=1, count=8)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kerascope.attribution.os.replace", full)
    fit(net(), watch, epochs=1, count=8)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["film.html"]
    assert "No space left" in watch.notes[0]


def test_a_second_explanation_compiles_nothing() -> None:
    model = net()
    watch = Watch(pictures(3)[0], ["grad_cam", "gradient"], budget=None, film=None)
    fit(model, watch, epochs=1, count=8)
    traces = store_of(model).traces
    fit(model, watch, epochs=2, count=8)
    assert store_of(model).traces == traces
    assert len(watch.document["film"]["epochs"]) == 3


# --- arguments -----------------------------------------------------------------------------------

X = pictures(2)[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"probes": []}, "no probes"),
        ({"probes": "nowhere/*.png"}, "nothing matches"),
        ({"methods": "grad_camm"}, "not found; did you mean 'grad_cam'"),
        ({"methods": []}, "no method"),
        ({"labels": [1]}, "1 labels for 2 probes"),
        ({"labels": ["cat", "dog"], "classes": ["cat", "cow"]}, "'dog' is not one of"),
        ({"labels": [0, 2], "classes": ["cat", "cow"]}, "label 2 is out of range"),
        ({"masks": [MASK]}, "1 masks for 2 probes"),
        ({"masks": [MASK[0], MASK]}, "mask 0 has shape"),
        ({"names": ["a", "b", "c"]}, "3 names for 2 probes"),
        ({"every": 0}, "every"),
        ({"batches": 0}, "batches"),
        ({"budget": 0}, "budget=0 must be above 0"),
        ({"score": "log"}, "score"),
        ({"film": "no/such/folder/film.html"}, "cannot write"),
    ],
)
def test_bad_arguments_end_before_the_training(arguments: dict[str, Any], says: str) -> None:
    given = {"probes": X, "methods": "gradient", "film": None} | arguments
    with pytest.raises(ks.KerascopeError) as caught:
        Watch(given.pop("probes"), given.pop("methods"), **given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_picture_files_names_and_a_layer(tmp_path: Path) -> None:
    from PIL import Image

    for index in range(2):
        pixels = (np.random.default_rng(index).random((12, 12)) * 255).astype("uint8")
        Image.fromarray(pixels).save(tmp_path / f"p{index}.png")
    watch = Watch(
        str(tmp_path), "grad_cam", layer="conv", budget=None, film=None, preprocess="unit",
        names=["one", "two"],
    )  # fmt: skip
    fit(net(), watch, epochs=1, count=8)
    assert watch.notes == []
    assert [s["name"] for s in watch.document["samples"]] == ["one", "two"]
    assert watch.document["methods"][0]["layer"] == "conv"


def test_importing_kerascope_and_its_callbacks_loads_no_keras() -> None:
    code = (
        "import sys, kerascope as ks, kerascope.callbacks; ks.callbacks; dir(ks.callbacks);"
        "assert not {'keras', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_the_documentation_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((_, example),) = documented.blocks_of("training-film.md")
    monkeypatch.chdir(tmp_path)
    documented.execute(example, "training-film.md", {"__name__": "example"})
    assert film_in(tmp_path / "training-film.html")["film"]["epochs"] == list(range(1, 11))
    assert "moved onto the objects" in capsys.readouterr().out
