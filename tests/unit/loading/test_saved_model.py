"""SavedModel folders, and nets of a framework inside one Keras layer: what can be seen of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import zoo
from kerascope.loading import load_model

BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="runs on the TensorFlow backend only"
)


@pytest.fixture(scope="module")
def case() -> zoo.Case:
    return zoo.SHAPES["flat_functional"]()


@pytest.fixture(scope="module")
def folder(case: zoo.Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "exported"
    case.model.export(path, verbose=False)
    return path


@on_tensorflow
@pytest.mark.parametrize("method", ["occlusion", "kernel_shap", "rise"])
def test_methods_over_scores_give_what_the_model_gives(
    case: zoo.Case, folder: Path, method: str
) -> None:
    fields = {"occlusion": {"patch": 4}, "rise": {"masks": 40}, "kernel_shap": {"samples": 80}}
    black = load_model(folder, unsafe=True)
    found = ks.explain(black, case.x, method, target=1, **fields[method])
    known = ks.explain(case.model, case.x, method, target=1, score="probability", **fields[method])
    assert np.allclose(found.values, known.values, atol=1e-6)
    assert "a plain function gives no logits" in found.notes[0]


@on_tensorflow
@pytest.mark.parametrize(
    ("method", "needs"),
    [
        ("gradient", "gradients"),
        ("grad_cam", "activations, gradients"),
        ("lrp", "gradients, rules"),
    ],
)
def test_methods_that_look_inside_say_why_not(
    case: zoo.Case, folder: Path, method: str, needs: str
) -> None:
    with pytest.raises(ks.BadMethod, match=f"needs {needs}, which a plain function does not give"):
        ks.explain(load_model(folder, unsafe=True), case.x, method)


@on_tensorflow
def test_without_a_method_it_is_occluded(case: zoo.Case, folder: Path) -> None:
    black = load_model(folder, unsafe=True, labels=["a", "b", "c"])
    assert black.input_shape == (None, 12, 16, 3)
    assert ks.explain(black, case.x).method.name == "occlusion"
    with pytest.raises(ks.BadInput, match="does not fit the model"):
        ks.load_images(np.zeros((1, 5, 5, 3), "float32"), black, preprocess="none", size=(7, 7))


@on_tensorflow
def test_two_folders_are_told_apart(folder: Path, tmp_path: Path) -> None:
    other = zoo.SHAPES["grey"]().model
    other.export(tmp_path / "other", verbose=False)
    models = [load_model(path, unsafe=True) for path in (folder, folder, tmp_path / "other")]
    one, again, two = (ks.hooks.BlackBox(model).identity.sha256 for model in models)
    assert one == again != two


@on_tensorflow
def test_on_the_command_line(
    case: zoo.Case, folder: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    np.save(tmp_path / "x.npy", case.x[:1])
    asked = ("explain", folder, tmp_path / "x.npy", "-o", tmp_path / "out")
    code, _, said = cli(*asked)
    assert code == 2
    assert "pass --unsafe (unsafe=True) only if you trust it" in said
    code, _, _ = cli(*asked, "--unsafe", "-m", "occlusion:patch=6")
    assert code == 0
    assert (tmp_path / "out" / "report.html").exists()


@pytest.mark.skipif(BACKEND == "tensorflow", reason="runs on the other backends only")
def test_elsewhere_it_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ks.BadModel, match=f"on TensorFlow only, not on {BACKEND}"):
        load_model(tmp_path, unsafe=True)


@on_tensorflow
def test_what_is_no_saved_model_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(ks.BadModel, match="cannot be loaded: "):
        load_model(tmp_path, unsafe=True)


# --- a net of the framework in a layer of Keras ---------------------------------------------------

WEIGHTS = np.random.default_rng(1).normal(size=(20, 3)).astype("float32")
X = np.random.default_rng(2).normal(size=(2, 4, 5, 1)).astype("float32")


def _tensorflow_layer(folder: Path) -> Any:
    plain = _plain()
    plain.export(folder / "plain", verbose=False)
    return keras.layers.TFSMLayer(str(folder / "plain"), call_endpoint="serve", name="foreign")


def _jax_layer(folder: Path) -> Any:
    import jax

    def call(params: Any, inputs: Any) -> Any:  # JaxLayer goes by these names
        return jax.nn.relu(inputs.reshape((inputs.shape[0], -1)) @ params["w"]) ** 2

    return keras.layers.JaxLayer(call, params={"w": jax.numpy.array(WEIGHTS)}, name="foreign")


def _torch_layer(folder: Path) -> Any:
    import torch

    class Squared(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(WEIGHTS))

        def forward(self, x: Any) -> Any:
            return torch.relu(x.flatten(1) @ self.w) ** 2

    return keras.layers.TorchModuleWrapper(Squared(), name="foreign", output_shape=(None, 3))


def _plain() -> Any:
    i = keras.Input((4, 5, 1))
    x = keras.layers.Dense(3, activation="relu", use_bias=False)(keras.layers.Flatten()(i))
    model = keras.Model(i, x**2)
    model.layers[2].set_weights([WEIGHTS])
    return model


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Any:
    make = {"tensorflow": _tensorflow_layer, "jax": _jax_layer, "torch": _torch_layer}[BACKEND]
    i = keras.Input((4, 5, 1))
    layer = make(tmp_path_factory.mktemp("foreign"))
    return keras.Model(i, keras.layers.Activation("linear")(layer(i)))


@functools.cache
def plain() -> Any:
    return _plain()


@pytest.mark.parametrize("method", ["gradient", "integrated_gradients", "smooth_grad", "occlusion"])
def test_a_foreign_net_has_its_own_gradient(foreign: Any, method: str) -> None:
    found, known = (ks.explain(net, X, method, target=1) for net in (foreign, plain()))
    assert np.ptp(found.values) > 0
    assert np.allclose(found.values, known.values, atol=1e-5 * np.abs(known.values).max())


@pytest.mark.parametrize(
    "method", ["lrp", "excitation_backprop", "deep_taylor", "deep_lift", "deep_shap", "grad_cam"]
)
def test_what_looks_inside_a_foreign_net_is_refused(foreign: Any, method: str) -> None:
    kind = type(foreign.get_layer("foreign")).__name__
    with pytest.raises(
        ks.Refused, match=f"'foreign'.*{kind}" if method != "grad_cam" else "no layer"
    ):
        ks.explain(foreign, X, method, target=1)


def test_relevance_by_its_gradient_where_it_is_asked_for(foreign: Any) -> None:
    composite = ((type(foreign.get_layer("foreign")).__name__, "zero"),)
    found = ks.explain(foreign, X, "lrp", target=1, composite=composite)
    known = ks.explain(plain(), X, "gradient_x_input", target=1)
    assert np.allclose(found.values, known.values, atol=1e-5 * np.abs(known.values).max())
