"""An audit as a project of ViRelAy (Anders et al. 2021), its viewer for such analyses.

What its reader reads is followed (`virelay.model` of version 0.6.1, and the example scripts beside
it): its database specification describes `clustering/<name>/root` for what is `cluster/<name>`
there. Of float pictures the reader guesses whether they are 0…1, −1…1 or 0…255, wrongly so for dark
ones, where bytes are taken as they are: so `data` is bytes where the specification says float32. It
sums the channels of an attribution and cannot draw a single one: so each has a third of the map.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.collected import Collected
from kerascope.audit.once import matrix, once, towards, whole_numbers
from kerascope.audit.pictures import Pictures
from kerascope.audit.rows import TRUE
from kerascope.audit.scatter import neighboured
from kerascope.audit.source import Source
from kerascope.audit.spectral import LEAST
from kerascope.audit.strategies import ClassStrategies, Strategies
from kerascope.checks import check_whole
from kerascope.errors import BadFile, BadInput
from kerascope.resize import linear
from kerascope.types import Array

SIDE = 128  # pixels of a picture's longer side
PROJECT, LABELS = "project.yaml", "label-map.json"
DATA, ATTRIBUTION, ANALYSIS = "dataset.h5", "attribution.h5", "analysis.h5"
CLUSTERING = "eigengap"
_STRATEGY = {True: "true_label", False: "predicted_label"}


def to_virelay(
    collected: Collected, strategies: Strategies, source: Source,
    folder: str | os.PathLike[str], *, side: int = SIDE,
) -> Path:  # fmt: skip
    """Write an audit as a ViRelAy project, and return its file: `virelay PATH` opens it.

    Pictures keep the numbers of the samples; those that cannot be read are black. Maps are brought
    to the pictures' size, which ViRelAy expects, by linear interpolation. Classes with fewer than
    12 maps have no analysis. All is written as it is read.

    Args:
        collected: rows with maps.
        strategies: of those rows.
        source: the data, for the pictures.
        folder: new or empty.
        side: pixels of the longer side of a picture, at most.

    Raises:
        BadInput: no maps, or none of two dimensions. BadFile: a folder that cannot be used.
    """
    check_whole(1, side=side)
    shown = [one for one in strategies.classes if len(one.ids) >= LEAST]
    if not shown or any(s.mean.ndim != 2 for one in shown for s in one.strategies):
        raise BadInput(
            f"there is nothing for ViRelAy to show: no class with {LEAST} maps of height and width"
        )
    place = _empty(folder)
    pictures = Pictures(source, collected.settings)
    size = _size(pictures, side)
    labels = _label_map(collected)
    try:
        (place / LABELS).write_text(json.dumps(labels, indent=1), encoding="utf-8")
        _write_data(place / DATA, collected, pictures, size, unlabelled=labels[-1]["index"])
        _write_attributions(place / ATTRIBUTION, collected, strategies, size)
        _write_analyses(place / ANALYSIS, shown, strategies.seed)
        (place / PROJECT).write_text(_project(collected, strategies, size), encoding="utf-8")
    except OSError as error:
        raise BadFile(f"cannot write into '{place.name}': {error.strerror or error}") from error
    return place / PROJECT


def category(label: int) -> str:
    """Return the key of a class in an analysis file, which is its "WordNet id" in the label map."""
    return f"{label:08d}"


def _empty(folder: str | os.PathLike[str]) -> Path:
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile(
            f"cannot make the folder '{place.name}': {error.strerror or error}"
        ) from error
    if any(place.iterdir()):
        raise BadFile(f"folder '{place.name}' is not empty: give a new one")
    return place


def _size(pictures: Pictures, side: int) -> tuple[int, int]:
    """Return (y, x) of all pictures: that of the first, made smaller."""
    for i in range(len(pictures)):
        pixels = pictures.rgb(i)
        if pixels is not None:
            height, width = pixels.shape[:2]
            scale = min(1.0, side / max(height, width))
            return max(1, round(height * scale)), max(1, round(width * scale))
    raise BadInput("none of the samples is a picture that can be read")


def _label_map(collected: Collected) -> list[dict[str, Any]]:
    """Return what a label stands for; the last one is for samples without."""
    count = 0
    for batch in once(collected, ["scores"]):
        count = max(count, matrix(batch.column("scores")).shape[1])
    names = collected.settings.get("classes")
    named = [(k, category(k), class_name(k, names)) for k in range(count)]
    named.append((count, category(count), "(no label)"))
    return [{"index": k, "word_net_id": key, "name": name} for k, key, name in named]


def _write_data(
    path: Path, collected: Collected, pictures: Pictures, size: tuple[int, int], *, unlabelled: int
) -> None:
    import h5py
    from PIL import Image

    count = collected.samples
    with h5py.File(path, "w") as file:
        # Chunks that are never written take no space.
        data = file.create_dataset(
            "data", (count, 3, *size), "uint8", chunks=(1, 3, *size), compression="gzip"
        )
        labels = file.create_dataset("label", (count,), "uint16", fillvalue=unlabelled)
        for batch in once(collected, ["label_index"]):
            ids, known = (
                whole_numbers(batch.column("id")),
                whole_numbers(batch.column("label_index")),
            )
            for i, label in zip(ids.tolist(), known.tolist(), strict=True):
                labels[i] = unlabelled if label == UNLABELLED else label
                pixels = pictures.rgb(i)
                if pixels is not None:
                    small = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR)
                    data[i] = np.moveaxis(np.asarray(small), -1, 0)


def _write_attributions(
    path: Path, collected: Collected, strategies: Strategies, size: tuple[int, int]
) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        index = file.create_dataset("index", (0,), "uint32", maxshape=(None,), chunks=(1024,))
        label = file.create_dataset("label", (0,), "uint16", maxshape=(None,), chunks=(1024,))
        maps = file.create_dataset(
            "attribution", (0, 3, *size), "float32", maxshape=(None, 3, *size),
            chunks=(1, 3, *size), compression="gzip",
        )  # fmt: skip
        for ids, low, scores, targets in _maps(collected, strategies):
            start, end = len(index), len(index) + len(ids)
            if not start:
                wide = scores.shape[1]
                said = file.create_dataset(
                    "prediction", (0, wide), "float32", maxshape=(None, wide), chunks=(64, wide)
                )
            for values in (index, label, maps, said):
                values.resize(end, axis=0)
            index[start:], label[start:], said[start:] = ids, targets, scores
            maps[start:] = linear(low, size)[:, None].repeat(3, axis=1) / 3


def _maps(
    collected: Collected, strategies: Strategies
) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Yield ids, (row, y, x) maps, scores and classes of rows that have a map of their shape."""
    columns = ["map", "map_shape", "scores", "target_index"]
    for batch in towards(collected, columns, method=strategies.method, target=strategies.target):
        shapes = [None if s is None else tuple(s) for s in batch.column("map_shape").to_pylist()]
        low, scores = matrix(batch.column("map")), matrix(batch.column("scores"))
        ids, targets = (
            whole_numbers(batch.column("id")),
            whole_numbers(batch.column("target_index")),
        )
        for shape in dict.fromkeys(s for s in shapes if s is not None and len(s) == 2):
            rows = np.array([s == shape for s in shapes])
            flat = low[rows, : int(np.prod(shape))]
            yield ids[rows], flat.reshape(-1, *shape), scores[rows], targets[rows]


def _write_analyses(path: Path, classes: list[ClassStrategies], seed: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for one in classes:
            group = file.create_group(category(one.label))
            group["name"] = one.name
            group["index"] = one.ids.astype("uint32")
            vectors = one.found.vectors.astype("float32")
            spectral = group.create_dataset("embedding/spectral", data=vectors)
            spectral.attrs["eigenvalue"] = one.found.eigenvalues.astype("float32")
            plane, _ = neighboured(vectors, seed)
            tsne = group.create_dataset("embedding/tsne", data=plane.astype("float32"))
            tsne.attrs["embedding"] = "spectral"
            tsne.attrs["index"] = np.array([0, 1])
            cluster = group.create_dataset(
                f"cluster/{CLUSTERING}", data=one.assigned.astype("uint32")
            )
            cluster.attrs["embedding"] = "spectral"
            cluster.attrs["k"] = len(one.strategies)
            cluster.attrs["index"] = np.arange(vectors.shape[1], dtype="uint32")


def _project(collected: Collected, strategies: Strategies, size: tuple[int, int]) -> str:
    """Return the project file; JSON is YAML, and quotes what needs it."""
    model = str(collected.settings.get("model", "model"))
    project = {
        "name": f"Audit of {model}",
        "model": model,
        "label_map": LABELS,
        "dataset": {
            "name": "data", "type": "hdf5", "path": DATA, "input_width": size[1],
            "input_height": size[0], "down_sampling_method": "none", "up_sampling_method": "none",
        },
        "attributions": {
            "attribution_method": strategies.method,
            "attribution_strategy": _STRATEGY[strategies.target == TRUE],
            "sources": [ATTRIBUTION],
        },
        "analyses": [{"analysis_method": "Spectral analysis", "sources": [ANALYSIS]}],
    }  # fmt: skip
    return json.dumps({"project": project}, indent=2) + "\n"
