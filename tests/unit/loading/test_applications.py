"""Published weights: unknown names get choices, a missing network is said within seconds."""

from __future__ import annotations

import socket
import sys
import threading
import types
import urllib.request

import numpy as np
import pytest

from kerascope.errors import BadModel, MissingDependency
from kerascope.facts import facts_of
from kerascope.loading import load_images, load_model
from kerascope.loading.network import impatient, is_network_error

keras = pytest.importorskip("keras")


def test_unknown_names_get_the_choices():
    with pytest.raises(
        BadModel, match=r"'keras:MobilNetV2' is not a model .*did you mean 'MobileNetV2'"
    ):
        load_model("keras:MobilNetV2")
    with pytest.raises(BadModel, match=r"known: ConvNeXtBase, .*Xception"):
        load_model("keras:zzz")


def test_weights_at_hand_need_no_network(monkeypatch):
    def build(weights):
        assert weights == "imagenet"
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 1)(inputs))
        return keras.Model(inputs, keras.layers.Dense(10)(x), name="mobilenetv2_1.00_224")

    monkeypatch.setattr(keras.applications, "MobileNetV2", build)
    model = load_model("keras:mobilenetv2")
    facts = facts_of(model)
    assert (facts.source, facts.preprocessing, facts.sha256) == ("keras:mobilenetv2", "tf", None)
    images = load_images(np.zeros((1, 8, 8, 3)), model, preprocess="auto")
    assert images.shape == (1, 8, 8, 3)


def test_no_network_is_one_line(monkeypatch, capsys):
    def build(weights):
        print("Downloading data from somewhere")
        keras.utils.get_file("w.h5", "https://weights.kerascope.invalid/w.h5", cache_subdir="none")

    monkeypatch.setattr(keras.applications, "VGG16", build)
    with pytest.raises(
        BadModel, match=r"'keras:VGG16' are not in .* the network does not answer"
    ) as caught:
        load_model("keras:VGG16")
    assert "\n" not in str(caught.value)
    assert "https" not in str(caught.value)
    assert capsys.readouterr().out == ""  # progress must not spoil --json


def test_other_failures_are_one_line_too(monkeypatch):
    def build(weights):
        raise RuntimeError("a\nb")

    monkeypatch.setattr(keras.applications, "VGG16", build)
    with pytest.raises(BadModel, match=r"^'keras:VGG16' cannot be loaded: a b$"):
        load_model("keras:VGG16")


class TestImpatience:
    """Lookups that hang and hosts that do not answer are errors; nothing is left behind."""

    def test_a_name_server_that_never_answers(self, monkeypatch):
        forever = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: forever.wait())
        hanging = socket.getaddrinfo
        with impatient(0.05):
            with pytest.raises(OSError, match="no answer within"):
                urllib.request.urlopen("http://example.invalid/")
            assert socket.getdefaulttimeout() == 0.1
        assert socket.getaddrinfo is hanging
        assert socket.getdefaulttimeout() is None
        forever.set()

    def test_a_host_that_refuses(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        with impatient(1), pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))

    def test_a_host_that_answers(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen()
            with impatient(1), socket.create_connection(server.getsockname()) as client:
                assert client.getpeername() == server.getsockname()

    def test_errors_of_the_network_are_told_apart(self):
        assert is_network_error(ConnectionResetError())
        assert is_network_error(Exception("URL fetch failure on x"))
        assert not is_network_error(ValueError("wrong shape"))
        outer = ValueError("outer")
        outer.__cause__ = TimeoutError()
        assert is_network_error(outer)


def _hub(monkeypatch, **tasks):
    """Pretend that KerasHub is installed with some tasks."""
    hub = types.ModuleType("keras_hub")
    hub.models = types.SimpleNamespace(
        **{
            name: type(name, (), {"from_preset": staticmethod(load)})
            for name, load in tasks.items()
        }
    )
    monkeypatch.setitem(sys.modules, "keras_hub", hub)


def test_hub_without_keras_hub_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(MissingDependency, match=r"pip install 'kerascope\[hub\]'"):
        load_model("hub:resnet_50_imagenet")


def test_hub_takes_the_task_that_fits_and_its_preprocessing(monkeypatch):
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    model.preprocessor = types.SimpleNamespace(image_converter=lambda x: x * 2)

    def refuse(preset):
        raise ValueError("Unable to find a subclass")

    _hub(monkeypatch, ImageClassifier=refuse, Backbone=lambda preset: model)
    loaded = load_model("hub:some_preset")
    assert loaded is model
    assert facts_of(model).preprocessing == "hub"
    from PIL import Image

    images = load_images(Image.new("RGB", (3, 3), (1, 2, 3)), model)
    assert images.inputs[0, 0, 0].tolist() == [2, 4, 6]
    assert images.notes[-1] == "preprocessing: hub (the model's own image converter)"


def test_hub_unknown_presets_and_no_network(monkeypatch):
    def unknown(preset):
        raise ValueError("Unknown preset identifier. A preset must be a one of:\n1) a built-in")

    _hub(monkeypatch, ImageClassifier=unknown)
    with pytest.raises(BadModel, match="'hub:x' cannot be loaded: Unknown preset identifier"):
        load_model("hub:x")

    def offline(preset):
        raise ConnectionError("Max retries exceeded")

    _hub(monkeypatch, ImageClassifier=offline, Backbone=unknown)
    with pytest.raises(BadModel, match="the network does not answer"):
        load_model("hub:x")
