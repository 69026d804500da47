"""Compute once what the other libraries give, each group in a process of its own.

It is kept in tests/.saved. `python tests/parity/make_references.py` does nothing where libraries,
nets and scripts are the same as last time; the tests call `load`, which does the same.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
FOLDER = TESTS / ".saved"
GROUPS = {
    "torch": "torch_references.py",
    "tensorflow": "tensorflow_references.py",
    "saliency": "saliency_references.py",
    "shapley": "shapley_references.py",
    "lime": "lime_references.py",
    "rules": "rules_references.py",
    "quantus": "quantus_references.py",
    "text": "text_references.py",
    "series": "series_references.py",
    "tables": "table_references.py",
    "kinds": "kind_references.py",
}
_MORE = dict.fromkeys(("shapley", "lime"), ("oracles_shapley.py",)) | {
    "rules": ("parity/rule_nets.py", "parity/torch_references.py"),
    "quantus": ("parity/quantus_cases.py",),
    "text": ("text_nets.py",),
    "series": ("parity/series_cases.py",),
    "tables": ("tabular/plain.py",),
    "kinds": ("parity/kind_nets.py",),
}  # sources of one group only
_SOURCES = ("parity/cases.py", "numpy_net.py", "oracles.py", "../requirements/oracles.txt")
_INSTALLED = ("torch", "tensorflow-cpu", "tensorflow", "keras", "numpy")


def key(group: str) -> str:
    """Return a hash of everything that the results of a group depend on."""
    digest = hashlib.sha256()
    for source in (f"parity/{GROUPS[group]}", *_SOURCES, *_MORE.get(group, ())):
        digest.update((TESTS / source).read_bytes())
    for name in _INSTALLED:
        try:
            digest.update(f"{name} {metadata.version(name)}".encode())
        except metadata.PackageNotFoundError:
            continue
    return digest.hexdigest()


def path_of(group: str) -> Path:
    """Return the file of a group's results."""
    return FOLDER / f"references-{group}.npz"


def _stored(group: str) -> dict[str, np.ndarray] | None:
    """Return a group's results, or None where there are none or they are of something else."""
    if not path_of(group).exists():
        return None
    with np.load(path_of(group)) as file:
        arrays = dict(file)
    return arrays if str(arrays.pop("key", "")) == key(group) else None


def _compute(group: str) -> None:
    """Run a group's script; raise `RuntimeError` with its last words when it fails."""
    FOLDER.mkdir(exist_ok=True)
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_WAIT_POLICY": "PASSIVE",
        "KERAS_BACKEND": "tensorflow",
    }
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        raw, whole = Path(folder) / "raw.npz", Path(folder) / "whole.npz"
        done = subprocess.run(
            [sys.executable, str(TESTS / "parity" / GROUPS[group]), str(raw)],
            env=os.environ | quiet | {"PYTHONPATH": str(TESTS)},
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode or not raw.exists():
            words = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise RuntimeError(f"{GROUPS[group]} ended with {done.returncode}:\n{words}")
        with np.load(raw) as file:
            np.savez(whole, key=np.array(key(group)), **file)
        whole.replace(path_of(group))


def load(group: str) -> dict[str, np.ndarray]:
    """Return the results of a group's libraries by name; compute what is not at hand."""
    found = _stored(group)
    if found is None:
        _compute(group)
        found = _stored(group)
    assert found is not None, f"{path_of(group)} changed while it was read"
    return found


def main() -> int:
    """Make what is missing; return 1 when a library failed."""
    for group in GROUPS:
        started = time.perf_counter()
        known = _stored(group) is not None
        try:
            count = len(load(group))
        except RuntimeError as error:
            print(f"reference results ({group}) failed: {error}", file=sys.stderr)
            return 1
        words = "up to date" if known else f"computed in {time.perf_counter() - started:.0f} s"
        print(f"reference results ({group}): {count} arrays, {words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
