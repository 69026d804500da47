"""Model files: what loads, and what is refused in one line."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from kerascope.errors import BadInput, BadModel
from kerascope.facts import facts_of
from kerascope.loading import archive as archive_room
from kerascope.loading import check_weights, load_model
from unit.loading.nets import FORMATS, edited, predict, small


class _Rigid:
    """A callable that nothing can be kept beside."""

    __slots__ = ()

    def __call__(self, x):
        return x


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_model_comes_back_plain_with_facts_beside_it(saved, suffix):
    folder, model = saved
    path = folder / f"net.{suffix}"
    loaded = load_model(path, labels=["a", "b", "c"])
    assert isinstance(loaded, keras.Model)
    assert np.allclose(predict(loaded), predict(model), atol=1e-6)
    facts = facts_of(loaded)
    assert facts.source == f"net.{suffix}"
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert facts.labels == ("a", "b", "c")
    assert facts.notes == ()


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_content_counts_not_the_suffix(saved, tmp_path, suffix):
    folder, model = saved
    other = tmp_path / ("old.keras" if suffix == "h5" else "new.model")
    other.write_bytes((folder / f"net.{suffix}").read_bytes())
    assert np.allclose(predict(load_model(other)), predict(model), atol=1e-6)
    weights = tmp_path / "best.weights.h5"
    weights.write_bytes((folder / "net.h5").read_bytes())
    assert np.allclose(predict(load_model(str(weights))), predict(model), atol=1e-6)


@pytest.mark.parametrize("suffix", FORMATS)
def test_how_a_model_was_compiled_is_left_out(tmp_path, suffix):
    def strange_loss(y, p):
        return keras.ops.mean(p - y)

    inner = small(name="inner")
    inner.compile("sgd", strange_loss)
    outer = keras.Sequential([keras.Input((4, 4, 1)), inner, keras.layers.Dense(2)])
    outer.compile("adam", strange_loss)
    outer.save(tmp_path / f"a.{suffix}")
    loaded = load_model(tmp_path / f"a.{suffix}")
    assert np.allclose(predict(loaded), predict(outer), atol=1e-6)


def test_saving_leaves_no_file_behind_and_changes_none(saved, tmp_path, monkeypatch):
    folder, _ = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for suffix in FORMATS:
        load_model(folder / f"net.{suffix}")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_models_that_were_never_called_come_back_unbuilt(tmp_path, suffix):
    keras.Sequential([keras.layers.Dense(2)]).save(tmp_path / f"new.{suffix}")
    assert not load_model(tmp_path / f"new.{suffix}").built
    called = keras.Sequential([keras.layers.Dense(2)])
    called(np.ones((1, 3), np.float32))
    called.save(tmp_path / f"called.{suffix}")
    loaded = load_model(tmp_path / f"called.{suffix}")
    assert np.allclose(loaded.get_weights()[0], called.get_weights()[0])


def test_weights_without_a_shape_to_place_them(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = keras.Sequential([keras.layers.Dense(2)])
    model(np.ones((1, 3), np.float32))
    model.save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"].pop("build_input_shape")
        for layer in list(config["config"]["layers"]):
            if layer["class_name"] == "InputLayer":
                config["config"]["layers"].remove(layer)
            layer["config"].pop("batch_input_shape", None)
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(BadModel, match=r"'a.h5' was saved without its input shape"):
        load_model(tmp_path / "a.h5")


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow is loaded anyway")
def test_loading_a_legacy_file_imports_no_other_backend(saved):
    code = (
        "import sys; from kerascope.loading import load_model; load_model(sys.argv[1]); "
        "print('tensorflow' in sys.modules)"
    )
    path = str(saved[0] / "net.h5")
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_callables_pass_through_unchanged():
    def box(x):
        return x

    assert load_model(box, labels=["a", "b"]) is box
    assert facts_of(box).labels == ("a", "b")
    model = small()
    assert load_model(model) is model
    assert load_model(len) is len
    with pytest.raises(BadInput, match="wrap it in a function"):
        load_model(_Rigid(), labels=["a"])
    with pytest.raises(BadModel, match="int is not a model; give a file"):
        load_model(3)


def test_labels_must_match_the_output(saved):
    with pytest.raises(BadInput, match="2 class names were given, but the model's output has 3"):
        load_model(saved[0] / "net.keras", labels=["a", "b"])


class TestRefusedFiles:
    """One line that names the file and the rule."""

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
    def test_truncated(self, saved, tmp_path, suffix, share):
        content = (saved[0] / f"net.{suffix}").read_bytes()
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(BadModel, match=rf"'cut\.{suffix}' is cut off or damaged") as caught:
            load_model(path)
        assert "\n" not in str(caught.value)

    def test_missing_empty_and_foreign(self, tmp_path):
        with pytest.raises(BadModel, match=r"gone.keras' does not exist"):
            load_model(tmp_path / "gone.keras")
        (tmp_path / "empty.keras").write_bytes(b"")
        with pytest.raises(BadModel, match=r"'empty.keras' is empty"):
            load_model(tmp_path / "empty.keras")
        (tmp_path / "a.onnx").write_bytes(b"onnx onnx onnx")
        with pytest.raises(BadModel, match=r"'a.onnx' is not a Keras model file \(.keras, .h5"):
            load_model(tmp_path / "a.onnx")

    def test_folders(self, tmp_path):
        with pytest.raises(BadModel, match="is a folder, not a model file"):
            load_model(tmp_path)
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(BadModel, match="is an unzipped Keras model"):
            load_model(tmp_path)

    def test_weights_only(self, saved, tmp_path):
        rule = "holds weights only, no model: build the model in Python"
        with pytest.raises(BadModel, match=rf"'net.weights.h5' {rule}"):
            load_model(saved[0] / "net.weights.h5")
        h5py = pytest.importorskip("h5py")
        with h5py.File(saved[0] / "net.h5") as old, h5py.File(tmp_path / "legacy.h5", "w") as new:
            for key in old["model_weights"]:
                old.copy(f"model_weights/{key}", new)
            new.attrs["layer_names"] = old["model_weights"].attrs["layer_names"]
        with pytest.raises(BadModel, match=rf"'legacy.h5' {rule}"):
            load_model(tmp_path / "legacy.h5")
        with h5py.File(tmp_path / "data.h5", "w") as other:
            other["x"] = np.zeros(3)
        with pytest.raises(BadModel, match="an HDF5 file but no Keras model"):
            load_model(tmp_path / "data.h5")

    def test_zips_that_are_no_models(self, saved, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
            file.writestr("letter.txt", "dear all")
        with pytest.raises(
            BadModel, match="is a zip archive but no Keras model: it holds no config"
        ):
            load_model(tmp_path / "a.zip")
        source = saved[0] / "net.keras"
        path = edited(source, tmp_path / "b.keras", lambda c: None, drop=("model.weights.h5",))
        with pytest.raises(BadModel, match=r"'b.keras' holds no weights"):
            load_model(path)
        for content in ("{", "[1]", "\udcff"):
            with zipfile.ZipFile(tmp_path / "c.keras", "w") as file:
                file.writestr("config.json", content.encode("utf-8", "surrogateescape"))
                file.writestr("model.weights.h5", (saved[0] / "net.weights.h5").read_bytes())
            with pytest.raises(BadModel, match=r"'c.keras' is damaged: its config.json"):
                load_model(tmp_path / "c.keras")

    @pytest.mark.parametrize("member", ["../evil", "/etc/evil", "assets/../../evil", "C:\\evil"])
    def test_members_outside_the_model(self, saved, tmp_path, member):
        path = edited(
            saved[0] / "net.keras", tmp_path / "a.keras", lambda c: None, add=[(member, "x")]
        )
        with pytest.raises(BadModel, match="lies outside the model: not loaded"):
            load_model(path)

    def test_members_that_expand(self, saved, tmp_path, monkeypatch):
        monkeypatch.setattr(archive_room, "_LARGE", 1 << 16)
        path = tmp_path / "a.keras"
        edited(saved[0] / "net.keras", path, lambda c: None)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
            file.writestr("assets/zeros", b"\0" * (1 << 20))
        with pytest.raises(BadModel, match="stores next to nothing"):
            load_model(path)

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinite values")])
    def test_weights_that_are_no_numbers(self, tmp_path, suffix, value, word):
        model = small()
        kernel, bias = model.get_layer("head").get_weights()
        kernel[1, 2] = value
        model.get_layer("head").set_weights([kernel, bias])
        model.save(tmp_path / f"sick.{suffix}")
        with pytest.raises(
            BadModel, match=rf"'sick.{suffix}': weight '.*head/kernel' holds {word} \(1 of 54"
        ):
            load_model(tmp_path / f"sick.{suffix}")
        with pytest.raises(BadModel, match="weight 'head/kernel'"):
            check_weights(model, "x")

    def test_large_float64_and_small_floats_are_finite(self):
        layer = keras.layers.Dense(1, dtype="bfloat16")
        layer.build((None, 2))
        check_weights(layer, "x")
        if keras.backend.backend() == "jax":
            return  # has no float64 by default
        double = keras.layers.Dense(1, dtype="float64")
        double.build((None, 1))
        double.set_weights([np.array([[1e300]]), np.zeros(1)])
        check_weights(double, "x")
