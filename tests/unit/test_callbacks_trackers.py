"""Numbers and pictures of a training in TensorBoard, Weights & Biases and MLflow."""

from __future__ import annotations

import io
import struct
import sys
import types
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascope as ks
from once import only_on

pytestmark = only_on("torch")

X = np.random.default_rng(1).normal(0, 1, (4, 6, 6, 1)).astype("float32")


def train(watch: Any, epochs: int = 2) -> None:
    keras.utils.set_random_seed(1)
    i = keras.Input((6, 6, 1))
    out = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(i)))
    model = keras.Model(i, out)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, np.arange(4) % 2, epochs=epochs, verbose=0, callbacks=[watch])


def watch(**options: Any) -> Any:
    given = {"names": ["one", "two"], "labels": [0, 1], "budget": None, "film": None} | options
    return ks.callbacks.ExplainDuringTraining(X[:2], "gradient", **given)


def events(folder: Path) -> list[Any]:
    """Return the values in TensorBoard's files: (tag, step, value)."""
    from tensorboardX.proto import event_pb2

    found = []
    for path in sorted(folder.glob("events.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            found += [(value.tag, event.step, value) for value in event.summary.value]
            at += length + 16
    return found


def test_tensorboard_holds_numbers_and_pictures_of_every_epoch(tmp_path: Path) -> None:
    seen = watch(tensorboard=tmp_path)
    train(seen)
    assert seen.notes == []
    found = events(tmp_path)
    steps = {tag: [s for t, s, _ in found if t == tag] for tag, _, _ in found}
    assert steps["kerascope/Gradient__saliency_/one"] == [1, 2]
    assert steps["kerascope/Gradient__saliency___evidence_that_moved"] == [2]
    picture = next(v for tag, _, v in found if tag == "kerascope/Gradient__saliency_/two").image
    pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
    assert pixels.shape[-1] == 3
    assert pixels.std() > 0
    number = next(v.simple_value for t, s, v in found if "moved" in t)
    curve = next(
        c for c in seen.document["film"]["curves"]
        if c["name"] == "evidence that moved" and c["sample"] is None
    )  # fmt: skip
    assert number == pytest.approx(curve["values"][0], rel=1e-5)


class Run:
    def __init__(self) -> None:
        self.logged: list[dict[str, Any]] = []
        self.axes: list[tuple[str, Any]] = []

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.axes.append((name, step_metric))

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)


def stand_in_wandb(monkeypatch: pytest.MonkeyPatch, run: Run | None) -> None:
    module = types.ModuleType("wandb")
    module.run = run  # type: ignore[attr-defined]
    module.Image = lambda picture: ("image", picture.shape)  # type: ignore[attr-defined]
    module.Html = lambda text: ("html", len(text))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)


def test_weights_and_biases_gets_what_its_active_run_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run()
    stand_in_wandb(monkeypatch, run)
    seen = watch(film=tmp_path / "film.html")
    train(seen)
    assert seen.notes == []
    assert [row.get("kerascope/step") for row in run.logged] == [1, 2, None]
    assert run.logged[0]["kerascope/Gradient (saliency)/one"][0] == "image"
    assert 0 <= run.logged[1]["kerascope/Gradient (saliency): evidence that moved"] <= 1
    assert run.logged[2]["kerascope/film"] == ("html", len((tmp_path / "film.html").read_text()))
    assert ("kerascope/*", "kerascope/step") in run.axes
    assert len(run.axes) == 2


def test_no_active_run_or_no_wish_logs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_wandb(monkeypatch, None)
    seen = watch()
    train(seen)
    assert seen.notes == []
    run = Run()
    stand_in_wandb(monkeypatch, run)
    train(watch(wandb=False))
    assert run.logged == []


def test_mlflow_gets_metrics_images_and_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, calls = types.ModuleType("mlflow"), []
    active: list[Any] = [object()]
    module.active_run = lambda: active[0]  # type: ignore[attr-defined]
    for name in ("log_metrics", "log_image", "log_artifact"):
        record = lambda *a, _n=name, **k: calls.append((_n, a, k))  # noqa: E731
        setattr(module, name, record)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    train(watch(film=tmp_path / "film.html"))
    metrics = [(k["step"], a[0]) for n, a, k in calls if n == "log_metrics"]
    assert [step for step, _ in metrics] == [1, 2]
    assert "kerascope/Gradient _saliency_ evidence that moved" in metrics[1][1]
    images = [(k["key"], k["step"]) for n, _, k in calls if n == "log_image"]
    assert ("kerascope/Gradient _saliency_/two", 2) in images
    assert calls[-1][1] == (str(tmp_path / "film.html"),)
    active[0] = None
    calls.clear()
    train(watch())
    assert calls == []


def test_a_tracker_that_fails_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()

    def broken(values: dict[str, Any]) -> None:
        raise ConnectionError("no network")

    run.log = broken  # type: ignore[method-assign]
    stand_in_wandb(monkeypatch, run)
    seen = watch()
    train(seen)
    assert seen.notes == ["Wandb: no network", "Wandb: no network"]
    assert seen.document["film"]["epochs"] == [1, 2]


@pytest.mark.parametrize("name", ["wandb", "mlflow", "tensorboard"])
def test_what_was_asked_for_and_is_missing_says_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX" if name == "tensorboard" else name, None)
    with pytest.raises(ks.MissingDependency, match="pip install"):
        watch(**{name: tmp_path if name == "tensorboard" else True})
    if name != "tensorboard":
        watch()  # not asked for: nothing is imported, nothing is missing
