"""Arrays that one run leaves for another: results per backend to compare, reference results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / ".saved"
_kept: dict[str, np.ndarray] = {}


def keep(name: str, values: Any) -> None:
    """Keep a result of this backend until the run ends, then write it for the comparison."""
    items = values.items() if isinstance(values, Mapping) else [("", values)]
    for key, array in items:
        _kept[f"{name}|{key}"] = np.asarray(array)


def paths_for(backend: str) -> list[Path]:
    """Return the files of one backend's results, one of every process of the run."""
    return sorted(FOLDER.glob(f"contract-{backend}-*.npz"))


def write_kept() -> None:
    """Write what this process kept; called at the end of the run."""
    if _kept and os.environ.get("KERASCOPE_KEEP") == "1":
        import keras

        FOLDER.mkdir(exist_ok=True)
        process = os.environ.get("PYTEST_XDIST_WORKER", "main")
        np.savez(FOLDER / f"contract-{keras.backend.backend()}-{process}.npz", **_kept)
