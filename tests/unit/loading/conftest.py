"""What the tests of loading share: pretended models that need no Keras, and the real files."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture
def pretend():
    """Return a maker of objects that say what a Keras model says about its input."""

    def make(shape=(None, 8, 8, 3), layers=(), name="model", output=(None, 10)):
        return _Pretended(input_shape=shape, output_shape=output, layers=list(layers), name=name)

    return make


class _Pretended(SimpleNamespace):
    __hash__ = object.__hash__


@pytest.fixture
def layer():
    """Return a maker of layers of a class that exists only by name."""

    def make(kind, name=None, weights=(), **attributes):
        made = type(kind, (SimpleNamespace,), {})(name=name or kind.lower(), **attributes)
        made.weights = list(weights)
        return made

    return make


@pytest.fixture(scope="session")
def real():
    """Return the folder of real networks and photographs."""
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "real"
    folder = Path(os.environ.get("KERASCOPE_REAL", beside))
    if not (folder / "models").is_dir():
        pytest.skip("real networks and photographs are not beside the checkout (KERASCOPE_REAL)")
    return folder


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """Return a folder with the small net in both formats, and the net."""
    pytest.importorskip("keras")
    from unit.loading.nets import FORMATS, small

    folder = tmp_path_factory.mktemp("saved")
    model = small()
    for suffix in FORMATS:
        model.save(folder / f"net.{suffix}")
    model.save_weights(folder / "net.weights.h5")
    return folder, model
