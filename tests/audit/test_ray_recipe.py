"""What the Ray engine sends to other processes, and its settings: no cluster needed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from audit.data import folder, means
from kerascope.audit.elsewhere import Recipe, alone
from kerascope.audit.packing import packed
from kerascope.audit.prepared import prepare
from kerascope.audit.source import source_of
from kerascope.engines import Ray
from kerascope.errors import BadFile, BadInput, BadModel, MissingDependency
from kerascope.facts import facts_of
from once import only_on

pytestmark = only_on("torch")

cloudpickle = pytest.importorskip("cloudpickle")
ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
SHAPES = (
    "sequential_unbuilt", "nested_three_deep", "subclassed_model", "layer_holding_layers",
    "image_and_vector", "mixed_float16", "token_ids", "vit",
)  # fmt: skip


def sent(recipe: Recipe) -> Any:
    """Return the work that another process would make."""
    return cloudpickle.loads(cloudpickle.dumps(recipe))(1.0)


@pytest.mark.parametrize("name", SHAPES)
def test_any_model_is_the_same_there(name: str) -> None:
    case = zoo.SHAPES[name]()
    samples = case.x
    if isinstance(samples, dict):
        count = len(next(iter(samples.values())))
        samples = [{k: v[i] for k, v in case.x.items()} for i in range(count)]
    ready = prepare(case.model, samples, batch_size=2)
    before = keras.config.dtype_policy().name
    work = sent(Recipe.of(ready))
    assert keras.config.dtype_policy().name == before
    assert work.model is not case.model
    here, there = (
        ready.eyes.look(ready.first, np.arange(1)),
        work.eyes.look(ready.first, np.arange(1)),
    )
    np.testing.assert_allclose(there.scores, here.scores, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(there.maps["grad_cam"].low, here.maps["grad_cam"].low, atol=1e-6)


def test_facts_and_the_users_own_classes_and_functions_go_along() -> None:
    def wave(x: Any) -> Any:
        return keras.ops.sin(x)

    class Scale(layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * x

    i = keras.Input((4, 4, 3))
    x = layers.Dense(3, activation=wave)(Scale()(i))
    model = keras.Model(i, layers.GlobalAveragePooling2D()(x))
    ks.load_model(model, labels=["a", "b", "c"])
    there = cloudpickle.loads(cloudpickle.dumps(packed(model))).open()
    assert facts_of(there) == facts_of(model)
    x = np.ones((1, 4, 4, 3), "float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(there(x)), keras.ops.convert_to_numpy(model(x)), rtol=1e-6
    )


def test_a_model_that_cannot_be_saved_is_named() -> None:
    class Odd(keras.Model):
        def get_config(self) -> Any:
            raise RuntimeError("no\nconfig")

        def call(self, x: Any) -> Any:
            return x

    model = Odd()
    model(np.ones((1, 2), "float32"))
    with pytest.raises(BadModel, match=r"'odd\w*' cannot be sent .*\(no\); take the local engine"):
        packed(model)


def test_a_model_that_comes_out_differently_is_refused() -> None:
    model = zoo.SHAPES["flat_functional"]().model
    recipe = Recipe.of(prepare(model, zoo.pictures()))
    recipe.settings["model_sha256"] = "0"
    with pytest.raises(BadModel, match=r"another one once it was saved and loaded \(model_sha256"):
        sent(recipe)


def test_files_are_read_there_as_here(tmp_path: Path) -> None:
    root = folder(tmp_path / "d")
    boxes = [[1, 1, 5, 5] if i else None for i in range(8)]
    ready = prepare(
        means, root, size=(8, 8), preprocess="unit", boxes=boxes, meta={"n": list(range(8))}
    )
    work = sent(Recipe.of(ready))
    for i, handle in enumerate(ready.source.handles(range(8))):
        here = ready.decoder(handle)
        there = work.read(cloudpickle.loads(cloudpickle.dumps(alone(ready.source, i))))
        np.testing.assert_array_equal(there.inputs, here.inputs)
        np.testing.assert_equal(there.facts, here.facts)
        assert (there.id, there.label) == (here.id, here.label)
    for path in sorted(root.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    root.rmdir()
    with pytest.raises(BadFile, match="does not see the data folder 'd': it must be at the same"):
        sent(Recipe.of(ready))


def test_what_is_sent_of_a_sample_does_not_grow_with_the_data(tmp_path: Path) -> None:
    sizes = []
    for each in (2, 12):
        root = folder(tmp_path / f"{each}", each=each)
        sizes.append(len(cloudpickle.dumps(alone(source_of(root), 1))))
    assert abs(sizes[1] - sizes[0]) < 20


@ray
def test_wrong_settings() -> None:
    for bad in (
        {"concurrency": 0}, {"concurrency": (2, 1)}, {"concurrency": (1, 2, 3)}, {"num_cpus": 0},
        {"num_cpus": 0.5}, {"num_gpus": -1}, {"num_gpus": float("nan")}, {"ahead": 0},
        {"concurrency": (1, None)},
    ):  # fmt: skip
        with pytest.raises(BadInput, match=next(iter(bad))):
            Ray(**bad)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="Ray Client is not supported"):
        Ray(address="ray://head:10001")
    assert Ray(concurrency=(1, 4)) == Ray(concurrency=(1, 4))


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install 'kerascope\[ray\]'"):
        Ray()


def test_only_a_run_imports_ray() -> None:
    code = (
        "import sys, kerascope.engines; from kerascope.audit.collect import collect;"
        "assert not {'ray', 'keras', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
