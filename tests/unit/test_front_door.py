"""The front door: what importing costs, what is public, what bad input says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel


def python(code: str, **environment: str) -> str:
    """Run code in a fresh process and return what it prints."""
    env = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_neither_numpy_nor_keras() -> None:
    code = "import kerascope, sys; print([m for m in ('numpy', 'keras') if m in sys.modules])"
    assert python(code).strip() == "[]"


def test_methods_does_not_load_keras() -> None:
    code = "import kerascope as ks, sys; print(len(ks.methods()), 'keras' in sys.modules)"
    count, loaded = python(code).split()
    assert int(count) >= 20
    assert loaded == "False"


def test_public_functions_win_over_rooms_of_the_same_name() -> None:

    assert callable(ks.explain)
    assert "grad_cam" in ks.methods()
    assert sys.modules["kerascope.methods"].GradCAM.name == "grad_cam"


def test_all_is_sorted_and_true() -> None:
    assert list(ks.__all__) == sorted(ks.__all__)
    assert all(hasattr(ks, name) for name in ks.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = ks.nothing_like_it


def test_using_one_backend_imports_no_other() -> None:
    mine = keras.backend.backend()
    code = (
        "import keras, sys; before = set(sys.modules); import kerascope as ks, numpy as np;"
        "m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]);"
        "ks.explain(m, np.ones((1, 4), 'float32'), 'gradient');"
        "new = set(sys.modules) - before;"
        "print([n for n in ('tensorflow', 'jax', 'torch') if n in new])"
    )
    assert python(code, KERAS_BACKEND=mine).strip().splitlines()[-1] in ("[]", f"['{mine}']")


def test_backend_choice() -> None:
    from kerascope import backend

    assert backend.active().__name__ == f"kerascope.backend.{keras.backend.backend()}"
    code = "from kerascope.backend import choose; print(choose())"
    assert python(code, KERAS_BACKEND="jax").strip() == "jax"
    bad = subprocess.run(
        [sys.executable, "-c", code.replace("print(choose())", "import kerascope.backend as b; "
        "b.ORDER += ('mxnet',); choose()")],
        capture_output=True, text=True, env={**os.environ, "KERAS_BACKEND": "mxnet"}, check=False,
    )  # fmt: skip
    assert "KERAS_BACKEND=mxnet is not installed" in bad.stderr


@pytest.fixture(scope="module")
def case() -> zoo.Case:
    return zoo.SHAPES["flat_functional"]()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (np.zeros((12, 16, 3)), r"single sample needs a sample axis"),
        (np.zeros((2, 12, 16, 1)), r"wants 3 channels"),
        (np.zeros((2, 10, 16, 3)), r"takes \(N, 12, 16, 3\)"),
        (np.zeros((0, 12, 16, 3)), r"must not be empty"),
        (np.full((1, 12, 16, 3), np.nan), r"NaN or infinite"),
        (np.array(["a", "b"]), r"must hold numbers: load_images"),
        ("cat.jpg", r"holds words \('cat.jpg'\); .* load_images"),
        (np.array([[object()]]), r"must hold numbers"),
    ],
)
def test_bad_inputs(case: zoo.Case, inputs: Any, words: str) -> None:
    with pytest.raises(ks.BadInput, match=words):
        ks.explain(HookedModel(case.model, compiled=False), inputs, "gradient")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "grad_cma"}, "did you mean 'grad_cam'"),
        ({"method": 3}, "a name, a method class or a method value"),
        ({"method": "smooth_grad", "sampels": 3}, "did you mean 'samples'"),
        ({"method": "smooth_grad", "samples": 0}, "at least 1"),
        ({"method": "occlusion", "stride": 9, "patch": 4}, "larger than patch"),
        ({"method": "occlusion", "baseline": "gray"}, "one of zero, min"),
        ({"method": "occlusion", "patch": (1, 2, 3)}, "3 numbers for 2"),
        ({"method": "integrated_gradients", "spacing": "odd"}, "adaptive"),
        ({"method": "grad_cam", "layer": "head"}, "no map of the input"),
        ({"score": "odds"}, "'logit' or 'probability'"),
        ({"batch_size": 0}, "at least 1"),
    ],
)
def test_bad_options(case: zoo.Case, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadInput, match=words):
        ks.explain(case.model, case.x, **options)


def test_bad_models(case: zoo.Case) -> None:
    with pytest.raises(ks.BadModel, match="not int"):
        ks.explain(3, case.x)
    with pytest.raises(ks.BadModel, match="not Dense"):
        ks.explain(keras.layers.Dense(2), case.x)
    broken = zoo.SHAPES["flat_functional"]()
    kernel = broken.model.get_layer("conv2").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    for method in ("gradient", "grad_cam", "occlusion"):
        with pytest.raises(ks.BadModel, match="conv2/kernel"):
            ks.explain(broken.model, broken.x, method)


def test_an_unbuilt_model_is_built_with_a_note() -> None:
    model = keras.Sequential(
        [keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
    )
    result = ks.explain(model, zoo.pictures(), "gradient")
    assert any("not built" in note for note in result.notes)
    again = ks.explain(model, zoo.pictures(), "gradient")
    assert not any("not built" in note for note in again.notes)


def test_a_subclassed_model_that_fails_says_why() -> None:
    class Picky(keras.Model):
        def call(self, x: Any) -> Any:
            raise ValueError("only squares, please")

    with pytest.raises(ks.BadInput, match="only squares, please"):
        ks.explain(Picky(), zoo.pictures(), "gradient")


def test_probabilities_without_a_softmax_are_noted() -> None:
    class Mean(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.heads = [keras.layers.Dense(3, activation="softmax", name=f"d{k}") for k in (0, 1)]

        def call(self, x: Any) -> Any:
            return (self.heads[0](x) + self.heads[1](x)) / 2

    model = Mean()
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    model(x)
    result = ks.explain(model, x, "gradient")
    assert any("looks like probabilities" in note for note in result.notes)


def test_no_positive_evidence_is_said_not_shown_as_nothing() -> None:
    i = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, activation="relu")(i)
    model = keras.Model(
        i,
        keras.layers.Dense(2, kernel_initializer="ones")(-keras.layers.GlobalAveragePooling2D()(x)),
    )
    result = ks.explain(model, zoo.pictures(1, 8, 8, 1), "grad_cam", target=0)
    assert not result.values.any()
    assert any("no positive evidence" in note for note in result.notes)
    assert (result.extras["signed"] < 0).any()


def test_progress_and_results_go_through_files(case: zoo.Case, tmp_path: Any) -> None:
    seen = []
    with ks.reporting(lambda what, done, total: seen.append((what, done, total))):
        result = ks.explain(case.model, case.x, "smooth_grad", samples=9, target="top-2")
    assert seen[-1][1] == seen[-1][2] == 18
    again = ks.Attribution.load(result.save(tmp_path / "a.safetensors"))
    assert np.array_equal(again.values, result.values)
    for field in (
        "axes",
        "explained",
        "method",
        "target",
        "layer",
        "notes",
        "provenance",
        "names",
        "labels",
    ):
        assert getattr(again, field) == getattr(result, field), field
    assert np.array_equal(again.heatmap(), result.heatmap())
    assert json.dumps(again.method.to_json())


def test_damaged_and_foreign_files_are_refused(case: zoo.Case, tmp_path: Any) -> None:
    result = ks.explain(case.model, case.x, "gradient")
    path = result.save(tmp_path / "a.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:100])
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    for bad in (cut, text, tmp_path / "missing.safetensors"):
        with pytest.raises(ks.BadFile, match=bad.name):
            ks.Attribution.load(bad)
    with pytest.raises(ks.BadFile, match="cannot write"):
        result.save(tmp_path / "no" / "such" / "a.safetensors")


def test_every_method_has_its_paper() -> None:
    from kerascope.citations import REFERENCES, cite
    from kerascope.method import registry
    from kerascope.metrics.base import metrics

    used = {kind.reference for kind in (*registry().values(), *metrics().values())}
    assert used == set(REFERENCES)
    assert all("(" in line for line in cite(list(registry())))


def test_expected_gradients_at_a_layer(case: zoo.Case) -> None:
    background = np.random.default_rng(8).normal(size=(6, 12, 16, 3)).astype("float32")
    result = ks.explain(
        case.model,
        case.x,
        "expected_gradients",
        background=background,
        samples=60,
        layer="conv2",
        target=1,
    )
    assert result.values.shape == (2, 5, 7, 5)
    assert result.layer == "conv2"
    # Behind conv2 the net is linear up to the ReLU inside it, so the values are complete at once.
    assert np.abs(result.gap).max() < 1e-4
    assert result.heatmap().shape == (2, 12, 16)
    with pytest.raises(ks.BadMethod, match="baselines, 12, 16, 3"):
        ks.explain(case.model, case.x, "expected_gradients", background=background[:, :5])


def test_raw_pixels_for_a_net_that_takes_others_are_told_of() -> None:
    i = keras.Input((16, 16, 3))
    flat = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(i))
    net = keras.Model(i, keras.layers.Dense(2)(flat), name="mobilenetv2_1.00_224")
    raw = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
    found = ks.explain(net, raw, "gradient", target=0)
    assert [note for note in found.notes if "the model takes tf (x/127.5 − 1)" in note]
    scaled = ks.explain(net, raw / 127.5 - 1, "gradient", target=0)
    assert not [note for note in scaled.notes if "hint" in note]
