"""Explain a job's inputs on one backend: `KERAS_BACKEND=… python -m …certify.child FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.certify.job import INPUTS, KIND, REPORT, Job, method_of, moved
from kerascope.certify.samples import drawn
from kerascope.errors import BadInput, BadTarget, KerascopeError
from kerascope.hooks.names import layer_table
from kerascope.inside.stored import read_tensors

_KINDS = {
    "Images": "pictures", "Texts": "texts", "Table": "rows", "Series": "series",
    "Volumes": "volumes",
}  # fmt: skip


def main(folder: Path) -> int:
    """Explain, and write results and a report into a folder named as the backend; 2: bad input."""
    from kerascope.backend import choose

    job, mine = Job.read(folder), folder / choose()
    mine.mkdir()
    try:
        told = _explain_all(job, folder, mine)
    except KerascopeError as error:
        told = {"error": str(error), "kind": type(error).__name__}
    (mine / REPORT).write_text(json.dumps(told), encoding="utf-8")
    return 2 if "error" in told else 0


def _explain_all(job: Job, folder: Path, mine: Path) -> dict[str, Any]:
    """Return what was run and what was refused, by number of the method."""
    import keras

    from kerascope import backend
    from kerascope.explain import explain
    from kerascope.hooks.identity import identity_of
    from kerascope.loading import load_model
    from kerascope.targets.saved import from_json

    net = load_model(job.model, labels=job.labels, custom=tuple(job.custom), unsafe=job.unsafe)
    try:
        samples, about = _samples(job, net, folder)
    except BadInput as error:  # no other backend could read them
        return {"error": str(error), "kind": type(error).__name__, "sure": True}
    net = getattr(samples, "model", None) or net  # of a model of strings, what takes the ids
    refused: dict[str, str] = {}
    for k, data in enumerate(job.methods):
        method = method_of(data, folder)
        try:
            for d, x in enumerate(moved(samples, job) if job.draws else [samples]):
                result = explain(
                    net, x, method, target=from_json(job.target), score=job.score, seed=job.seed
                )
                result.save(mine / f"{k}-{d}.safetensors")
        except BadTarget:
            raise
        except KerascopeError as error:
            refused[str(k)] = str(error)
    policies = {str(getattr(layer, "compute_dtype", "")) for layer in layer_table(net).values()}
    return {
        "refused": refused,
        "model_sha256": identity_of(net).sha256,
        "half": sorted(policies - {"float32", ""}),
        "inputs": about,
        "notes": list(getattr(samples, "notes", ())),
        "versions": {
            keras.backend.backend(): backend.active().version(),
            "keras": keras.__version__,
            "numpy": np.__version__,
            "devices": ", ".join(backend.active().devices()),
        },
    }


def _samples(job: Job, net: Any, folder: Path) -> tuple[Any, dict[str, Any]]:
    """Return the samples, and in words what they are: the same on every backend."""
    from kerascope.loading.given import How, apart, samples_of

    path = folder / INPUTS
    if path.exists():
        stored, about = read_tensors(path, KIND)
        return stored.get("", stored), about
    how = How.from_json(job.how)
    if job.sources is None and not job.text and how == How():
        tree, words = drawn(net, job.seed, job.size)
        return tree, {"words": words, "names": None}
    found, _ = apart(samples_of(
        net, job.sources or (), how, text=job.text, size=job.size,
        preprocess=job.preprocess, fit=job.fit,
    ))  # fmt: skip
    return found, {"words": _words(found), "names": None}


def _words(samples: Any) -> str:
    kind = _KINDS.get(type(samples).__name__, "samples")
    told = f"{len(samples)} {kind if len(samples) > 1 or kind == 'series' else kind[:-1]}"
    done = getattr(samples, "preprocessing", None)
    return f"{told}, preprocessing {done}" if done else told


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
