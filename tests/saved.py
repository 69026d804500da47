"""What one run leaves for another: arrays per backend to compare, states of the field table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / ".saved"
_kept: dict[str, np.ndarray] = {}
_cells: dict[tuple[str, str], str] = {}


def keep(name: str, values: Any) -> None:
    """Keep a result of this backend until the run ends, then write it for the comparison."""
    items = values.items() if isinstance(values, Mapping) else [("", values)]
    for key, array in items:
        _kept[f"{name}|{key}"] = np.asarray(array)


def keep_cell(method: str, shape: str, state: str) -> None:
    """Keep that a cell of the field table was proven: see `field_table.cells`."""
    _cells[method, shape] = state


def cells_of(backend: str) -> dict[tuple[str, str], str]:
    """Return the cells of the field table that runs on a backend have proven."""
    paths = sorted(FOLDER.glob(f"field-{backend}-*.json"))
    rows = [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]
    return {(method, shape): state for method, shape, state in rows}


def paths_for(backend: str) -> list[Path]:
    """Return the files of one backend's results, one of every process of the run."""
    return sorted(FOLDER.glob(f"contract-{backend}-*.npz"))


def write_kept() -> None:
    """Write what this process kept; called at the end of the run."""
    if os.environ.get("KERASCOPE_KEEP") != "1" or not (_kept or _cells):
        return
    import keras

    FOLDER.mkdir(exist_ok=True)
    name = f"{keras.backend.backend()}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    if _kept:
        np.savez(FOLDER / f"contract-{name}.npz", **_kept)
    if _cells:
        rows = [[*cell, state] for cell, state in _cells.items()]
        (FOLDER / f"field-{name}.json").write_text(json.dumps(rows))
