"""Explain a job's inputs on one backend: `KERAS_BACKEND=… python -m …certify.child FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.certify.job import INPUTS, KIND, REPORT, Job, method_of, moved
from kerascope.certify.samples import drawn
from kerascope.errors import BadTarget, KerascopeError
from kerascope.hooks.names import layer_table
from kerascope.inside.stored import read_tensors, write_tensors
from kerascope.types import Tree


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
    inputs, about = _inputs(job, net, folder)
    refused: dict[str, str] = {}
    for k, data in enumerate(job.methods):
        method = method_of(data, folder)
        try:
            for d, x in enumerate(moved(inputs, job) if job.draws else [inputs]):
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
        "versions": {
            keras.backend.backend(): backend.active().version(),
            "keras": keras.__version__,
            "numpy": np.__version__,
            "devices": ", ".join(backend.active().devices()),
        },
    }


def _inputs(job: Job, net: Any, folder: Path) -> tuple[Tree, dict[str, Any]]:
    """Return the inputs and what is known of them; the first child makes them for all."""
    path = folder / INPUTS
    if not path.exists():
        tree, about = _made(job, net)
        arrays = dict(tree) if isinstance(tree, Mapping) else {"": tree}
        write_tensors(path, KIND, arrays, about)
    stored, about = read_tensors(path, KIND)
    return stored.get("", stored), about


def _made(job: Job, net: Any) -> tuple[Tree, dict[str, Any]]:
    from kerascope.loading import load_images, load_inputs
    from kerascope.loading.sources import is_array_file
    from kerascope.loading.wants import input_shapes

    if job.pictures is None:
        tree, words = drawn(net, job.seed, job.size)
        return tree, {"words": words, "names": None}
    if len(job.pictures) == 1 and is_array_file(job.pictures[0]) and len(input_shapes(net)) > 1:
        return load_inputs(job.pictures[0], net), {"words": "arrays", "names": None}
    source: Any = job.pictures[0] if len(job.pictures) == 1 else job.pictures
    pictures = load_images(source, net, size=job.size, preprocess=job.preprocess, fit=job.fit)
    words = f"{len(pictures)} pictures, preprocessing {pictures.preprocessing}"
    return pictures.inputs, {"words": words, "names": list(pictures.names)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
