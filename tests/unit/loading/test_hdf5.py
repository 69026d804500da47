"""HDF5 files hold their own weights, or are refused before Keras follows a link out of them."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from kerascope.errors import BadModel
from kerascope.loading import hdf5 as room
from kerascope.loading.archive import read_archive
from kerascope.loading.hdf5 import check_hdf5, read_config
from once import once

pytestmark = once

h5py = pytest.importorskip("h5py")


def _config():
    return json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": []}})


@pytest.fixture
def secret(tmp_path):
    """Return a file whose content a model file must not reach."""
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["key"] = np.arange(4.0)
    (tmp_path / "secret.bin").write_bytes(b"\1" * 32)
    return path


def soft(group, _):
    group["link"] = h5py.SoftLink("/somewhere")


def external(group, secret):
    group["link"] = h5py.ExternalLink(str(secret), "key")


def storage(group, secret):
    group.create_dataset("link", (4,), "f8", external=[(str(secret.with_suffix(".bin")), 0, 32)])


def virtual(group, secret):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(secret), "key", (4,))
    group.create_virtual_dataset("link", layout)


WAYS = [
    (soft, "a soft link"),
    (external, "a link to another file"),
    (storage, "in another file"),
    (virtual, "in another file"),
]


@pytest.mark.parametrize(("plant", "words"), WAYS)
@pytest.mark.parametrize("place", ["/", "/model_weights/a/b"])
def test_links_out_of_the_file_are_refused(tmp_path, secret, plant, words, place):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = _config()
        plant(file.require_group(place), secret)
    with pytest.raises(BadModel, match=rf"'a.h5' .*{words}.*must hold its own weights") as caught:
        read_config(path, "a.h5")
    assert f"'{place.rstrip('/')}/link'" in str(caught.value)


@pytest.mark.parametrize(("plant", "words"), WAYS)
def test_the_weights_inside_a_keras_file_are_looked_through_too(tmp_path, secret, plant, words):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        plant(file.require_group("layers/dense/vars"), secret)
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", _config())
        archive.writestr("model.weights.h5", content.getvalue())
    with pytest.raises(BadModel, match=words):
        read_archive(tmp_path / "a.keras", "a.keras")


def test_plain_files_and_circles_of_hard_links_pass(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = _config()
        file["a/b/x"] = np.zeros(3)
        file["a/b/round"] = file["a"]
    assert read_config(path, "a.h5")["class_name"] == "Sequential"


def test_claims_of_size_without_content(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_LARGE", 1 << 10)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("full", data=np.zeros(10_000))
        check_hdf5(file, "a.h5")
        file.create_dataset("bomb", (1 << 40,), "f4", chunks=(1 << 16,))
        with pytest.raises(
            BadModel, match=r"claims 4096.0 GiB for '/bomb' and stores next to nothing"
        ):
            check_hdf5(file, "a.h5")


def test_configurations_that_are_none(tmp_path):
    for content, words in (
        ("{", "is not JSON"),
        ("[]", "describes no model"),
        ('{"a": 1}', "describes no model"),
    ):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.attrs["model_config"] = content
        with pytest.raises(BadModel, match=words):
            read_config(tmp_path / "a.h5", "a.h5")
