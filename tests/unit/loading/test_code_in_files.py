"""Code in model files never runs unless that was asked for."""

from __future__ import annotations

import json
import sys

import keras
import numpy as np
import pytest

from kerascope.errors import BadModel
from kerascope.loading import archive as archive_room
from kerascope.loading import hdf5 as hdf5_room
from kerascope.loading import load_model
from unit.loading.nets import FORMATS, edited


@pytest.fixture
def canary(tmp_path):
    """Return a path that only code from a model file creates; nets with such code lie beside."""
    path = tmp_path / "canary"
    place = str(path)

    inputs = keras.Input((4,))
    outputs = keras.layers.Lambda(
        lambda x: (open(place, "w").close(), x)[1],  # noqa: PTH123
        output_shape=(4,),
        name="spy",
    )(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(outputs))
    for suffix in FORMATS:
        model.save(tmp_path / f"trap.{suffix}")
    path.unlink(missing_ok=True)
    return path


class TestCodeInFiles:
    """Code in a model file runs only after --unsafe was typed."""

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_lambda_is_refused_by_name(self, canary, suffix):
        path = canary.with_name(f"trap.{suffix}")
        with pytest.raises(BadModel) as caught:
            load_model(path)
        assert str(caught.value) == (
            f"model 'trap.{suffix}' holds code in Lambda layer 'spy'; "
            "pass --unsafe (unsafe=True) only if you trust it"
        )
        assert not canary.exists()

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_unsafe_does_run_it_so_the_canary_is_live(self, canary, suffix):
        model = load_model(canary.with_name(f"trap.{suffix}"), unsafe=True)
        model(np.zeros((1, 4), np.float32))
        assert canary.exists()

    @pytest.mark.parametrize("suffix", FORMATS)
    def test_safe_mode_of_keras_holds_behind_our_own_look(self, canary, suffix, monkeypatch):
        for room in (archive_room, hdf5_room):
            monkeypatch.setattr(room, "refuse_code", lambda config, name: None)
        with pytest.raises(BadModel, match=rf"'trap.{suffix}' cannot be loaded"):
            load_model(canary.with_name(f"trap.{suffix}"))
        assert not canary.exists()

    def test_bytecode_as_keras_2_wrote_it(self, canary):
        h5py = pytest.importorskip("h5py")
        path = canary.with_name("trap.h5")
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            spy = next(
                layer for layer in config["config"]["layers"] if layer["class_name"] == "Lambda"
            )
            held = spy["config"]["function"]["config"]
            spy["config"]["function"] = [held["code"], held["defaults"], held["closure"]]
            spy["config"]["function_type"] = "lambda"
            spy["config"].pop("output_shape", None)
            file.attrs["model_config"] = json.dumps(config)
        with pytest.raises(BadModel, match="holds code in Lambda layer 'spy'"):
            load_model(path)
        assert not canary.exists()

    def test_lambda_hidden_in_a_wrapper_and_in_a_nested_model(self, saved, tmp_path):
        code = {
            "class_name": "__lambda__",
            "config": {"code": "4wEA", "defaults": None, "closure": None},
        }
        spy = {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"name": "deep", "function": code},
        }

        def hide(config):
            config["config"]["layers"][1]["config"]["layer"] = {
                "class_name": "X",
                "config": {"layer": spy},
            }

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", hide)
        with pytest.raises(BadModel, match="holds code in Lambda layer 'deep'"):
            load_model(path)

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("os", "system"),
            ("subprocess", "Popen"),
            ("keras.utils", "get_file"),
            ("shutil", "rmtree"),
        ],
    )
    def test_functions_of_python_are_no_layers(self, saved, tmp_path, module, name):
        def plant(config):
            config["config"]["layers"][1]["config"]["activation"] = {
                "module": module,
                "class_name": "function",
                "config": name,
                "registered_name": name,
            }

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        with pytest.raises(BadModel, match=f"names '{name}' of the Python module '{module}'"):
            load_model(path)

    @pytest.mark.parametrize("module", ["posixpath_of_mine", "builtins", None])
    def test_modules_named_by_a_file_are_never_imported(self, saved, tmp_path, module, monkeypatch):
        (tmp_path / "posixpath_of_mine.py").write_text(
            f"open({str(tmp_path / 'canary')!r}, 'w').close()"
        )
        monkeypatch.syspath_prepend(str(tmp_path))

        def plant(config):
            part = config["config"]["layers"][1]
            part |= {"module": module, "class_name": "exec", "registered_name": "exec"}

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        with pytest.raises(BadModel, match="needs the custom object 'exec'"):
            load_model(path)
        assert not (tmp_path / "canary").exists()
        assert "posixpath_of_mine" not in sys.modules

    def test_saved_models_in_a_layer(self, saved, tmp_path):
        def plant(config):
            config["config"]["layers"][1] |= {"module": "keras.layers", "class_name": "TFSMLayer"}

        path = edited(saved[0] / "net.keras", tmp_path / "a.keras", plant)
        with pytest.raises(
            BadModel, match=r"SavedModel from elsewhere in layer 'conv' \(TFSMLayer\)"
        ):
            load_model(path)
