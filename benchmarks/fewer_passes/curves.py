"""What the curves share: real nets, photographs, distances between maps, tables.

Every script here measures how many passes a scheme needs for an error, against a long run of the
same method. Networks and photographs are real and lie beside the checkout (see tests/real), or
where KERASCOPE_REAL says.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import kerascope as ks
from kerascope.hooks import HookedModel

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("KERASCOPE_REAL", ROOT.parent / "shared" / "real"))
NETS = {
    "mobilenet_v1": "mobilenet_v1_025_224_imagenet.keras",
    "mobilenet_v2": "mobilenet_v2_100_224_imagenet.keras",
    "resnet8": "resnet8_cifar10.keras",
    "xception": "fer2013_mini_XCEPTION.102-0.66.hdf5",
}


def net(name: str) -> HookedModel:
    """Return a real network by its short name."""
    return HookedModel(ks.load_model(REAL / "models" / NETS[name]))


def photographs(view: HookedModel, names: Iterable[str]) -> Any:
    """Return photographs as the network takes them."""
    return ks.load_images([REAL / "images" / name for name in names], view.model)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation of two maps."""
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """Return ‖a − b‖ / ‖b‖."""
    return float(np.linalg.norm(np.ravel(a - b)) / np.linalg.norm(np.ravel(b)))


def passes_for(curve: dict[int, float], error: float) -> float:
    """Return the passes at which a curve {passes: error} falls to `error`; log-log in between."""
    passes = sorted(curve)
    for low, high in itertools.pairwise(passes):
        if curve[high] <= error < curve[low]:
            share = np.log(curve[low] / error) / np.log(curve[low] / curve[high])
            return float(low * (high / low) ** share)
    return float(passes[0]) if curve[passes[0]] <= error else float("inf")


@dataclasses.dataclass
class Row:
    """One line of a table: a scheme on a net and a photograph, error by passes."""

    scheme: str
    net: str
    picture: str
    curve: dict[int, float]


def save(name: str, rows: list[Row], what: str) -> None:
    """Write the curves to `curves/NAME.json`, and print their medians by scheme and net."""
    path = Path(__file__).parent / "curves" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    data = {"error": what, "rows": [dataclasses.asdict(row) for row in rows]}
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    passes = sorted({p for row in rows for p in row.curve})
    table = Table("net", "scheme", *(str(p) for p in passes), title=f"{name}: {what}", box=None)
    for which, scheme in dict.fromkeys((row.net, row.scheme) for row in rows):
        curves = [row.curve for row in rows if (row.net, row.scheme) == (which, scheme)]
        cells = [[c[p] for c in curves if p in c] for p in passes]
        table.add_row(which, scheme, *(f"{np.median(c):.4f}" if c else "" for c in cells))
    Console(width=160).print(table)
