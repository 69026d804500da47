"""Files by chance: valid ones with bytes changed, cut and doubled, and bytes of no meaning.

Whatever a file holds, reading it gives a value or one of our errors, in bounded memory. Examples
are the same in every run; `KERASCOPE_FUZZ=50` takes fifty times as many, by chance.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kerascope as ks
from files_read import READERS, boxes_of, named, read, valid_files
from kerascope.loading.labels import read_labels
from kerascope.loading.models import load_model
from kerascope.loading.pictures import read_picture
from kerascope.loading.texts import read_vocabulary
from kerascope.replay.stamps import read_records
from once import AGAIN

pytestmark = pytest.mark.skipif(AGAIN, reason="reading asks no backend: the other backends will do")
TIMES = int(os.environ.get("KERASCOPE_FUZZ", "1"))
FAST = settings(
    max_examples=60 * TIMES, derandomize=TIMES == 1, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
SLOW = settings(FAST, max_examples=25 * TIMES)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A valid file of each kind, by suffix."""
    return valid_files(tmp_path_factory.mktemp("valid"))


@st.composite
def changes(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Return a change of some bytes: other values, a cut, a part twice, a part left out."""
    steps = draw(st.lists(
        st.tuples(st.sampled_from(["set", "cut", "twice", "without", "huge"]),
                  st.floats(0, 1, exclude_max=True), st.integers(1, 40), st.binary(max_size=12)),
        min_size=1, max_size=4,
    ))  # fmt: skip

    def change(data: bytes) -> bytes:
        for kind, place, length, new in steps:
            at = int(place * len(data))
            end = at + length
            if kind == "set":
                data = data[:at] + new + data[at + len(new) :]
            elif kind == "cut":
                data = data[:at]
            elif kind == "twice":
                data = data[:end] + data[at:end] + data[end:]
            elif kind == "without":
                data = data[:at] + data[end:]
            else:
                data = data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :]
        return data

    return change


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def paths_in(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all values in a tree of JSON."""
    found = [path] if path else []
    listed = enumerate(tree) if isinstance(tree, list) else ()
    for key, value in tree.items() if isinstance(tree, dict) else listed:
        found += paths_in(value, (*path, key))
    return found


def planted(tree: Any, place: float, value: Any) -> Any:
    """Return a tree of JSON with one value, at a share of all places, replaced."""
    tree = json.loads(json.dumps(tree))
    paths = paths_in(tree)
    *way, last = paths[int(place * len(paths))]
    node = tree
    for key in way:
        node = node[key]
    node[last] = value
    return tree


@pytest.mark.parametrize(("suffix", "reader"), READERS, ids=named)
def test_changed_files(suffix: str, reader: Any, valid: dict[str, bytes], tmp_path: Path) -> None:
    @FAST
    @given(changes())
    def check(change: Callable[[bytes], bytes]) -> None:
        read(reader, tmp_path / f"f{suffix}", change(valid[suffix]))

    check()


@pytest.mark.parametrize(("suffix", "reader"), READERS, ids=named)
def test_bytes_of_no_meaning(
    suffix: str, reader: Any, valid: dict[str, bytes], tmp_path: Path
) -> None:
    @FAST
    @given(st.binary(max_size=300), st.integers(0, 24))
    def check(content: bytes, head: int) -> None:
        read(reader, tmp_path / f"f{suffix}", valid[suffix][:head] + content)

    check()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_changed_models(suffix: str, valid: dict[str, bytes], tmp_path: Path) -> None:
    @SLOW
    @given(changes())
    def check(change: Callable[[bytes], bytes]) -> None:
        read(load_model, tmp_path / f"m{suffix}", change(valid[suffix]))

    check()


def test_configurations_by_chance(valid: dict[str, bytes], tmp_path: Path) -> None:
    """Inside a valid archive, so that the checksum does not end it."""
    with zipfile.ZipFile(io.BytesIO(valid[".keras"])) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])

    @SLOW
    @given(st.floats(0, 1, exclude_max=True), ANY_JSON)
    def check(place: float, value: Any) -> None:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as file:
            for name, content in parts.items():
                new = json.dumps(planted(config, place, value)).encode()
                file.writestr(name, new if name == "config.json" else content)
        read(load_model, tmp_path / "m.keras", held.getvalue())

    check()


def test_weights_by_chance(valid: dict[str, bytes], tmp_path: Path) -> None:
    """The HDF5 file inside a valid archive, changed."""
    with zipfile.ZipFile(io.BytesIO(valid[".keras"])) as file:
        parts = {name: file.read(name) for name in file.namelist()}

    @SLOW
    @given(changes())
    def check(change: Callable[[bytes], bytes]) -> None:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as file:
            for name, content in parts.items():
                file.writestr(name, change(content) if name.endswith(".h5") else content)
        read(load_model, tmp_path / "m.keras", held.getvalue())

    check()


def test_legacy_configurations_by_chance(valid: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "whole.h5").write_bytes(valid[".h5"])
    with h5py.File(tmp_path / "whole.h5") as file:
        config = json.loads(file.attrs["model_config"])

    @SLOW
    @given(st.floats(0, 1, exclude_max=True), ANY_JSON)
    def check(place: float, value: Any) -> None:
        (tmp_path / "new.h5").write_bytes(valid[".h5"])
        with h5py.File(tmp_path / "new.h5", "r+") as file:
            file.attrs["model_config"] = json.dumps(planted(config, place, value))
        read(load_model, tmp_path / "m.h5", (tmp_path / "new.h5").read_bytes())

    check()


def test_results_by_chance(valid: dict[str, bytes], tmp_path: Path) -> None:
    """The header of a valid .safetensors of ours, changed value by value."""
    data = valid[".safetensors"]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    key = next(iter(header["__metadata__"]))
    about = json.loads(header["__metadata__"][key])

    @FAST
    @given(st.floats(0, 1, exclude_max=True), ANY_JSON)
    def check(place: float, value: Any) -> None:
        header["__metadata__"][key] = json.dumps(planted(about, place, value))
        new = json.dumps(header).encode()
        content = len(new).to_bytes(8, "little") + new + data[8 + size :]
        read(ks.Attribution.load, tmp_path / "r.safetensors", content)
        read(read_records, tmp_path / "r.safetensors", content)

    check()


def test_boxes_by_chance(tmp_path: Path) -> None:
    @FAST
    @given(ANY_JSON)
    def check(value: Any) -> None:
        read(boxes_of, tmp_path / "boxes.json", json.dumps(value).encode())
        read(read_labels, tmp_path / "labels.json", json.dumps(value).encode())
        read(read_vocabulary, tmp_path / "words.json", json.dumps(value).encode())

    check()


def test_what_is_checked_can_fail(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        raise IndexError(path)

    with pytest.raises(IndexError):
        read(broken, tmp_path / "f", b"")
    assert not read(read_picture, tmp_path / "f.png", b"")
