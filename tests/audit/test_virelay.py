"""The export has every data set of ViRelAy's layout, by name, shape and type, and right values.

The layout is written out here as its reader (virelay.model 0.6.1) reads it, not as we write it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from audit.data import save
from audit.made import made
from audit.test_strategies import rows_of, spots
from kerascope.audit.collected import Collected
from kerascope.audit.source import Source, source_of
from kerascope.audit.strategies import strategies
from kerascope.audit.virelay import to_virelay
from kerascope.errors import BadFile, BadInput
from once import once

pytestmark = once


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collected, Source]:
    place = tmp_path_factory.mktemp("virelay")
    root = place / "d"
    for name, count in (("cat", 20), ("dog", 20), ("eel", 3)):
        for i in range(count):
            save(root / name / f"{i:02d}.png", seed=i, height=28, width=32)
    source = source_of(root, classes=["cat", "dog", "eel"])
    assert source.paths is not None
    (root / source.paths[42]).write_bytes(b"damaged")
    maps = spots(np.arange(43) % 2, 0)
    scores = np.random.default_rng(0).normal(size=(43, 3)).astype(np.float32)
    rows = rows_of(maps, source.labels, scores=scores, label_index=source.labels.tolist(),
                   path=source.paths)  # fmt: skip
    rows[5] |= {"map": None, "map_shape": None}
    rows[42] = {"id": 42, "error": "damaged"}
    both = [one for row in rows for one in (
        row, {**row, "target": "predicted" if "target" in row else None}
    )][:-1]  # fmt: skip
    return made(place / "rows", both, classes=("cat", "dog", "eel")), source


@pytest.fixture(scope="module")
def project(data: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    collected, source = data
    place = tmp_path_factory.mktemp("out") / "project"
    return to_virelay(collected, strategies(collected), source, place, side=16).parent


def test_project_file(project: Path) -> None:
    yaml = json.loads((project / "project.yaml").read_text())["project"]
    assert set(yaml) == {"name", "model", "label_map", "dataset", "attributions", "analyses"}
    assert set(yaml["dataset"]) == {
        "name", "type", "path", "input_width", "input_height", "up_sampling_method",
        "down_sampling_method",
    }  # fmt: skip
    assert yaml["dataset"]["type"] == "hdf5"
    assert set(yaml["attributions"]) == {"attribution_method", "attribution_strategy", "sources"}
    assert yaml["attributions"]["attribution_strategy"] in ("true_label", "predicted_label")
    assert set(yaml["analyses"][0]) == {"analysis_method", "sources"}
    files = [yaml["label_map"], yaml["dataset"]["path"], *yaml["attributions"]["sources"],
             *yaml["analyses"][0]["sources"]]  # fmt: skip
    assert all((project / name).is_file() and "/" not in name for name in files)


def test_label_map(project: Path) -> None:
    labels = json.loads((project / "label-map.json").read_text())
    assert all(set(label) == {"index", "word_net_id", "name"} for label in labels)
    assert [label["name"] for label in labels] == ["cat", "dog", "eel", "(no label)"]
    assert [label["index"] for label in labels] == [0, 1, 2, 3]
    assert len({label["word_net_id"] for label in labels}) == 4


def test_dataset(project: Path, data: Any) -> None:
    _, source = data
    with h5py.File(project / "dataset.h5") as file:
        assert set(file) == {"data", "label"}
        pictures, labels = file["data"], file["label"]
        assert (pictures.shape, pictures.dtype) == ((43, 3, 14, 16), np.uint8)
        assert (labels.shape, labels.dtype) == ((43,), np.uint16)
        np.testing.assert_array_equal(labels[:42], source.labels[:42])
        assert labels[42] == 3
        assert not pictures[42].any()
        with Image.open(source.root / source.paths[7]) as opened:
            wanted = opened.convert("RGB").resize((16, 14), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(np.moveaxis(pictures[7], 0, -1), np.asarray(wanted))


def test_attributions(project: Path, data: Any) -> None:
    collected, _ = data
    with h5py.File(project / "attribution.h5") as file:
        assert set(file) == {"index", "attribution", "label", "prediction"}
        kinds = {name: (file[name].shape, file[name].dtype) for name in file}
        assert kinds == {
            "index": ((41,), np.uint32), "attribution": ((41, 3, 14, 16), np.float32),
            "label": ((41,), np.uint16), "prediction": ((41, 3), np.float32),
        }  # fmt: skip
        assert file["index"][:].tolist() == [i for i in range(42) if i != 5]
        rows = {row["id"]: row for row in collected if row["target"] == "true"}
        for place in (0, 20, 40):
            row = rows[int(file["index"][place])]
            np.testing.assert_allclose(file["prediction"][place], row["scores"])
            assert file["label"][place] == row["target_index"]
            low = np.array(row["map"]).reshape(16, 16)  # as wide as the picture, but higher
            rows_at = (np.arange(14) + 0.5) * 16 / 14 - 0.5
            wanted = np.stack([np.interp(rows_at, np.arange(16), c) for c in low.T], axis=1)
            np.testing.assert_allclose(file["attribution"][place].sum(axis=0), wanted, atol=1e-5)


def test_analysis(project: Path, data: Any) -> None:
    collected, _ = data
    found = strategies(collected)
    labels = json.loads((project / "label-map.json").read_text())
    with h5py.File(project / "analysis.h5") as file:
        assert list(file) == [labels[0]["word_net_id"], labels[1]["word_net_id"]]
        for group, one in zip(file.values(), found.classes, strict=False):
            count, wide = one.found.vectors.shape
            assert set(group) == {"name", "index", "embedding", "cluster"}
            assert (group["index"].shape, group["index"].dtype) == ((count,), np.uint32)
            np.testing.assert_array_equal(group["index"][()], one.ids)
            assert group["name"].asstr()[()] == one.name
            spectral, tsne = group["embedding/spectral"], group["embedding/tsne"]
            assert set(group["embedding"]) == {"spectral", "tsne"}
            assert (spectral.shape, spectral.dtype) == ((count, wide), np.float32)
            assert spectral.attrs["eigenvalue"].shape == (wide,)
            assert spectral.attrs["eigenvalue"].dtype == np.float32
            assert (tsne.shape, tsne.dtype) == ((count, 2), np.float32)
            assert tsne.attrs["embedding"] == "spectral"
            assert tsne.attrs["index"].tolist() == [0, 1]
            assert list(group["cluster"]) == ["eigengap"]
            cluster = group["cluster/eigengap"]
            assert (cluster.shape, cluster.dtype) == ((count,), np.uint32)
            np.testing.assert_array_equal(cluster[()], one.assigned)
            assert cluster.attrs["embedding"] == "spectral"
            assert cluster.attrs["k"] == len(one.strategies)
            assert cluster.attrs["index"].tolist() == list(range(wide))


def test_what_cannot_be_shown(data: Any, project: Path, tmp_path: Path) -> None:
    collected, source = data
    found = strategies(collected)
    with pytest.raises(BadFile, match="is not empty"):
        to_virelay(collected, found, source, project)
    few = strategies(collected, most=5)
    with pytest.raises(BadInput, match="no class with 12 maps"):
        to_virelay(collected, few, source, tmp_path / "a")
    with pytest.raises(BadInput, match="none of the samples is a picture"):
        to_virelay(collected, found, source_of(np.zeros((43, 5))), tmp_path / "b")
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match="cannot make the folder 'file'"):
        to_virelay(collected, found, source, tmp_path / "file")
