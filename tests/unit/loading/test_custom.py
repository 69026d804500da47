"""Custom objects and unknown keywords are named; nothing is dropped silently."""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
import pytest

from kerascope.errors import BadInput, BadModel, MissingDependency
from kerascope.facts import facts_of
from kerascope.loading import load_model
from unit.loading.nets import FORMATS, edited, predict

CUSTOM = """
import keras

class Scale(keras.layers.Layer):
    def call(self, x):
        return 2 * x

@keras.saving.register_keras_serializable("mine")
class Shift(keras.layers.Layer):
    def call(self, x):
        return x + 1

def bend(x):
    return keras.ops.maximum(x, 0.1 * x)
"""


@pytest.fixture
def custom(tmp_path, monkeypatch):
    """Return a module of custom objects and files that need them; the registry is emptied again."""
    (tmp_path / "my_layers.py").write_text(CUSTOM)
    monkeypatch.syspath_prepend(str(tmp_path))
    import my_layers

    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            my_layers.Scale(),
            my_layers.Shift(),
            keras.layers.Dense(3, activation=my_layers.bend),
        ]
    )
    for suffix in FORMATS:
        model.save(tmp_path / f"own.{suffix}")
    registry = keras.saving.get_custom_objects()
    for key in [key for key in registry if key.startswith("mine>")]:
        del registry[key]
    yield my_layers, model
    for key in [key for key in registry if key.startswith("mine>")]:
        del registry[key]
    sys.modules.pop("my_layers", None)


class TestCustomObjects:
    """Custom objects are named, with the flag that gives them."""

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_missing_one_is_named_with_the_flag(self, custom, tmp_path, suffix):
        with pytest.raises(
            BadModel, match=r"needs the custom object 'Scale'; give it with --custom \w+:Scale"
        ):
            load_model(tmp_path / f"own.{suffix}")
        with pytest.raises(BadModel, match="needs the custom object 'Shift'"):
            load_model(tmp_path / f"own.{suffix}", custom="my_layers:Scale")

    def test_the_module_is_named_where_the_file_knows_it(self, custom, tmp_path):
        with pytest.raises(BadModel, match="--custom my_layers:Scale"):
            load_model(tmp_path / "own.keras")

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_a_missing_function_is_named(self, custom, tmp_path, suffix):
        module, _ = custom
        with pytest.raises(BadModel, match="needs the custom object 'bend'; give it with --custom"):
            load_model(tmp_path / f"own.{suffix}", custom=(module.Scale, module.Shift))

    @pytest.mark.parametrize("suffix", FORMATS)
    @pytest.mark.parametrize("way", ["names", "classes", "dict", "mixed"])
    def test_every_way_of_giving_them(self, custom, tmp_path, suffix, way):
        module, model = custom
        given = {
            "names": ("my_layers:Scale", "my_layers:Shift", "my_layers:bend"),
            "classes": [module.Scale, module.Shift, module.bend],
            "dict": {
                "Scale": module.Scale,
                "mine>Shift": module.Shift,
                "Shift": module.Shift,
                "bend": module.bend,
            },
            "mixed": (module.Scale, "my_layers:Shift", {"bend": module.bend}),
        }[way]
        loaded = load_model(tmp_path / f"own.{suffix}", custom=given)
        assert np.allclose(predict(loaded), predict(model), atol=1e-6)

    def test_by_file(self, custom, tmp_path):
        names = [f"{tmp_path / 'my_layers.py'}:{name}" for name in ("Scale", "Shift", "bend")]
        loaded = load_model(tmp_path / "own.keras", custom=names)
        assert np.allclose(predict(loaded), predict(custom[1]), atol=1e-6)

    def test_what_cannot_be_found_is_named(self, custom, saved):
        path = saved[0] / "net.keras"
        with pytest.raises(BadInput, match=r"'my_layers' has no 'Scal'; did you mean 'Scale'\?"):
            load_model(path, custom="my_layers:Scal")
        with pytest.raises(BadInput, match=r"'no_such_module' cannot be imported \(No module"):
            load_model(path, custom=["no_such_module:X"])
        with pytest.raises(BadInput, match=r"'no.py' cannot be imported"):
            load_model(path, custom=["no.py:X"])
        with pytest.raises(BadInput, match="neither a class nor a function"):
            load_model(path, custom=[3])


def test_a_missing_package_of_keras_is_named_with_its_command(saved, tmp_path):
    def plant(config):
        part = config["config"]["layers"][1]
        part |= {"module": "keras_nlp.no.such", "class_name": "X", "registered_name": "keras_nlp>X"}

    path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
    with pytest.raises(
        MissingDependency, match=r"'a.keras' needs .*; install it: pip install keras-nlp"
    ):
        load_model(path)


class TestKeywords:
    """Keywords that this Keras does not know are dropped aloud; wrong values are not."""

    @pytest.mark.parametrize("value", [1, None])
    def test_harmless_ones_are_dropped_with_a_note(self, saved, tmp_path, value):
        def plant(config):
            for layer in config["config"]["layers"][1:]:
                layer["config"]["fancy"] = value

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        loaded = load_model(path)
        assert np.allclose(predict(loaded), predict(saved[1]), atol=1e-6)
        assert len(facts_of(loaded).notes) == 3
        assert facts_of(loaded).notes[0] == (
            f"dropped fancy={value} from 1 layer of class Conv2D: this Keras does not know the "
            "keyword"
        )

    def test_in_legacy_files_and_in_initializers(self, saved, tmp_path):
        h5py = pytest.importorskip("h5py")
        path = tmp_path / "a.h5"
        path.write_bytes((saved[0] / "net.h5").read_bytes())
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            conv = config["config"]["layers"][1]["config"]
            conv["groups_of_old"] = 7
            conv["kernel_initializer"] = {
                "class_name": "GlorotUniform",
                "config": {"seed": None, "old": 1},
            }
            file.attrs["model_config"] = json.dumps(config)
        loaded = load_model(path)
        assert np.allclose(predict(loaded), predict(saved[1]), atol=1e-6)
        notes = " | ".join(facts_of(loaded).notes)
        assert "dropped old=1 from 1 layer of class GlorotUniform" in notes
        assert "dropped groups_of_old=7" in notes
        assert "check the predictions" in notes

    def test_wrong_values_are_an_error_in_one_line(self, saved, tmp_path):
        def plant(config):
            config["config"]["layers"][1]["config"]["padding"] = "sideways"

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        with pytest.raises(BadModel, match=r"'a.keras' cannot be loaded: .*padding") as caught:
            load_model(path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 320

    def test_weights_that_do_not_fit(self, saved, tmp_path):
        def plant(config):
            config["config"]["layers"][1]["config"]["filters"] = 5

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        with pytest.raises(BadModel, match=r"'a.keras' cannot be loaded"):
            load_model(path)


def test_legacy_sequential_as_a_list_and_keras_2_operations(tmp_path, saved):
    h5py = pytest.importorskip("h5py")
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Dense(3, name="d")])
    model.save(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"] = config["config"]["layers"]
        file.attrs["model_config"] = json.dumps(config)
    assert np.allclose(predict(load_model(tmp_path / "a.h5")), predict(model), atol=1e-6)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        config["config"].append({"class_name": "TFOpLambda", "config": {"name": "tf.math.truediv"}})
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(
        BadModel, match=r"TensorFlow operation 'tf.math.truediv' \(TFOpLambda\), which only Keras 2"
    ):
        load_model(tmp_path / "a.h5")
